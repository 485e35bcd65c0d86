package measures

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/cmhf/operator/internal/coordination/schema"
	"github.com/cmhf/operator/internal/coordination/store"
)

const usage = "usage: coordination-api publish [-month 2026-10] [-revise]; without -month, every month that is over and not yet published"

// Run is `coordination-api publish`. It works as the app role and needs CMHF_ODS_CODE and CMHF_SYNTHETIC, as migrate does. connection is a URL or
// empty for the PG* variables.
func Run(ctx context.Context, args []string, getenv func(string) string, connection string, now time.Time) error {
	flags := flag.NewFlagSet("publish", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	month := flags.String("month", "", "")
	revise := flags.Bool("revise", false, "")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return errors.New(usage)
	}
	settings, err := schema.SettingsFromEnvironment(getenv)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, connection)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := schema.Serves(ctx, db.Pool(), settings.Holder); err != nil {
		return err
	}
	publisher := Publisher{Pool: db.Pool(), ODSCode: settings.Holder.ODSCode, Synthetic: settings.Holder.Synthetic}
	if *month == "" {
		if *revise {
			return errors.New("-revise needs -month: say which month is published again. " + usage)
		}
		return publisher.PublishDue(ctx, now)
	}
	period, err := Month(*month)
	if err != nil {
		return fmt.Errorf("-month: %w", err)
	}
	if !period.over(now) {
		return fmt.Errorf("-month: %s can be published from %s on, when it is over and what happened in it is recorded", period, period.To.AddDate(0, 0, settleDays+1).Format(time.DateOnly))
	}
	outcome, err := publisher.Publish(ctx, period, *revise)
	if err != nil {
		return err
	}
	if outcome == AlreadyPublished {
		slog.Info("the month is published already; use -revise to publish it again", "month", period.String())
	}
	return nil
}
