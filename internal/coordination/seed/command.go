package seed

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
)

// Command does what `coordination-api seed` is asked to, with the owner's login that libpq's variables name.
func Command(ctx context.Context, args []string) error {
	options := Options{Today: Today(), Progress: os.Stderr}
	flags := flag.NewFlagSet("seed", flag.ContinueOnError)
	flags.IntVar(&options.People, "people", 5000, "how many invented people are made")
	flags.Uint64Var(&options.Seed, "seed", 1, "the dice: the same number makes the same people")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("usage: coordination-api seed [--people N] [--seed N]; %q is not understood", flags.Arg(0))
	}
	return Run(ctx, options)
}
