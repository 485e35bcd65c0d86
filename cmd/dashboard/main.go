// Command dashboard serves the web pages on which an ICS's digital leads, service leads and boards see how core community
// mental health services are doing. All settings come from the environment: see internal/dashboard/settings.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	// The image holds nothing but this program: without these, no public certificate of an identity provider could be verified.
	_ "golang.org/x/crypto/x509roots/fallback"

	"github.com/cmhf/operator/internal/dashboard"
	"github.com/cmhf/operator/internal/dashboard/settings"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "dashboard: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	s, err := settings.FromEnvironment(os.Getenv)
	if err != nil {
		return fmt.Errorf("the settings cannot be used:\n%w", err)
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: s.LogLevel}))
	d, err := dashboard.New(s, log, time.Now)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return d.Serve(ctx)
}
