// Command idp serves the development identity provider of internal/testkit/idp.
//
// Environment: CMHF_IDP_CONFIG (path of the JSON configuration), CMHF_IDP_ISSUER (public URL), CMHF_IDP_LISTEN (default :8080).
// It is for development clusters with made-up accounts only.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/cmhf/operator/internal/testkit/idp"
)

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		slog.Error("identity provider stopped", "error", err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	path := cmp.Or(os.Getenv("CMHF_IDP_CONFIG"), "/etc/idp/config.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the configuration (CMHF_IDP_CONFIG names the file): %w", err)
	}
	config, err := idp.ParseConfig(raw)
	if err != nil {
		return fmt.Errorf("configuration %s: %w", path, err)
	}
	issuer := os.Getenv("CMHF_IDP_ISSUER")
	if issuer == "" {
		return errors.New("CMHF_IDP_ISSUER is empty: set it to the provider's public URL, for example http://idp.identity.cmhf.localhost:8080")
	}
	provider, err := idp.New(issuer, config)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cmp.Or(os.Getenv("CMHF_IDP_LISTEN"), ":8080"))
	if err != nil {
		return fmt.Errorf("listening (CMHF_IDP_LISTEN): %w", err)
	}
	server := &http.Server{Handler: provider, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute}
	slog.Info("identity provider listens", "address", listener.Addr().String(), "issuer", issuer, "clients", len(config.Clients), "users", len(config.Users))

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(drain)
}
