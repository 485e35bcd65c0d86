// Command images builds the project's container images without a container
// engine and without a registry: Go programs on an empty base, and a PostgreSQL
// image from Debian packages. Run `images help` for its use.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/cmhf/operator/hack/images/internal/cnpg"
	"github.com/cmhf/operator/hack/images/internal/golang"
	"github.com/cmhf/operator/hack/images/internal/image"
	"github.com/cmhf/operator/hack/images/internal/postgres"
)

const usage = `images builds container images as OCI layout archives.

  images build --out DIR [FLAG...] NAME...

names: %s

For each NAME it writes DIR/NAME.tar, and it notes the image's full name with
its digest in DIR/images.json. What is up to date is left alone.

flags
`

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "images: %v\n", err)
		os.Exit(1)
	}
}

// options of the build command.
type options struct {
	repo    string
	out     string
	version string
	prefix  string
	cache   string
}

var (
	validVersion = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}$`)
	validPrefix  = regexp.MustCompile(`^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*$`)
)

func run(ctx context.Context, args []string) error {
	var o options
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	flags.StringVar(&o.repo, "repo", ".", "root of the repository")
	flags.StringVar(&o.out, "out", "", "folder for the archives (required)")
	flags.StringVar(&o.version, "version", "0.0.0-dev", "version built into programs and put into tags")
	flags.StringVar(&o.prefix, "prefix", "localhost/cmhf", "registry and path before each image's name")
	flags.StringVar(&o.cache, "cache", "", "folder for work that is kept (default cmhf-dev/images in the user's cache folder)")
	flags.Usage = func() { printUsage(flags, flags.Output()) }
	if len(args) == 0 {
		flags.Usage()
		return errors.New("name a command: build or help")
	}
	command := args[0]
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch command {
	case "build":
		if err := o.check(flags.Args()); err != nil {
			return err
		}
		return build(ctx, o, flags.Args())
	case "help", "-h", "--help":
		printUsage(flags, os.Stdout)
		return nil
	default:
		return fmt.Errorf("no command %q: run `images help`", command)
	}
}

func printUsage(flags *flag.FlagSet, w io.Writer) {
	fmt.Fprintf(w, usage, strings.Join(names(), ", "))
	flags.SetOutput(w)
	flags.PrintDefaults()
}

func names() []string { return append(golang.Names(), postgres.Name, cnpg.Name) }

func (o *options) check(wanted []string) error {
	switch {
	case o.out == "":
		return errors.New("--out: say where the archives go")
	case !validVersion.MatchString(o.version):
		return fmt.Errorf("--version %q: use letters, digits, dot, dash and underscore (it becomes part of a tag)", o.version)
	case !validPrefix.MatchString(o.prefix):
		return fmt.Errorf("--prefix %q: give a registry and path such as localhost/cmhf", o.prefix)
	case len(wanted) == 0:
		return fmt.Errorf("name the images to build: %s", strings.Join(names(), ", "))
	}
	for _, name := range wanted {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("no image %q: there are %s", name, strings.Join(names(), ", "))
		}
	}
	if o.cache == "" {
		var err error
		if o.cache, err = image.DefaultCache(); err != nil {
			return err
		}
	}
	return nil
}
