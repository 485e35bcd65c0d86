// Command coordination-api is the care-coordination service of one Integrated Care System.
//
//	coordination-api serve     serves the API (environment: see docs/api/README.md)
//	coordination-api migrate   brings the database schema to this version, as the owner role
//	coordination-api verify-audit [--heads FILE] [--public-key FILE]
//	                           verifies the sealed audit trail, as the app role (see internal/coordination/audit)
//	coordination-api publish   publishes figures of months that are over (see internal/coordination/measures)
//	coordination-api logins    makes new logins of the database or retires old ones (see internal/coordination/logins)
//	coordination-api seed      fills a synthetic database with invented people, as the owner role (see internal/coordination/seed)
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	// The image holds nothing but this program: without these, no public certificate of an identity provider could be verified.
	_ "golang.org/x/crypto/x509roots/fallback"

	"github.com/cmhf/operator/internal/coordination/audit"
	"github.com/cmhf/operator/internal/coordination/logins"
	"github.com/cmhf/operator/internal/coordination/measures"
	"github.com/cmhf/operator/internal/coordination/schema"
	"github.com/cmhf/operator/internal/coordination/seed"
	"github.com/cmhf/operator/internal/coordination/server"
)

// version is set by the build (-ldflags "-X main.version=…").
var version = "0.0.0-dev"

const usage = "usage: coordination-api serve | migrate | verify-audit | publish | logins | seed"

func main() {
	level := new(slog.LevelVar)
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level})))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, level, os.Args[1:]); err != nil {
		slog.Error("coordination API stopped", "error", err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, level *slog.LevelVar, args []string) error {
	if len(args) > 0 && args[0] == "logins" {
		return logins.Run(ctx, args[1:], os.Getenv)
	}
	if len(args) > 0 && args[0] == "verify-audit" {
		return audit.Command(ctx, "", args[1:], os.Stdout)
	}
	if len(args) > 0 && args[0] == "seed" {
		return seed.Command(ctx, args[1:])
	}
	if len(args) > 0 && args[0] == "publish" {
		return measures.Run(ctx, args[1:], os.Getenv, "", time.Now())
	}
	if len(args) != 1 {
		return errors.New(usage)
	}
	switch args[0] {
	case "migrate":
		settings, err := schema.SettingsFromEnvironment(os.Getenv)
		if err != nil {
			return err
		}
		return schema.Migrate(ctx, "", settings)
	case "serve":
		config, err := server.ConfigFromEnvironment(version)
		if err != nil {
			return err
		}
		level.Set(config.LogLevel)
		return server.Run(ctx, config)
	}
	return fmt.Errorf("unknown command %q; %s", args[0], usage)
}
