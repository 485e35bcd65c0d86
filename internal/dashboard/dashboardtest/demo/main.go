// Command demo runs the dashboard with a development identity provider and canned figures, all in one process on this machine,
// so that its pages can be looked at and tested without a cluster or a database.
//
//	go run ./internal/dashboard/dashboardtest/demo [-listen 127.0.0.1:8090] [-fault none|figures|services|sign-in]
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"time"

	"github.com/cmhf/operator/internal/dashboard"
	"github.com/cmhf/operator/internal/dashboard/dashboardtest"
	"github.com/cmhf/operator/internal/dashboard/settings"
	"github.com/cmhf/operator/internal/dashboard/signin"
	"github.com/cmhf/operator/internal/testkit/idp"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8090", "address of the dashboard")
	fault := flag.String("fault", "none", "what does not work: none, figures, services or sign-in")
	flag.Parse()
	if err := run(*listen, *fault); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(listen, fault string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("read -listen: %w", err)
	}
	public := &url.URL{Scheme: "http", Host: net.JoinHostPort("dashboard.ics-qop.cmhf.localhost", port)}

	idpListener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the identity provider: %w", err)
	}
	issuer := "http://" + idpListener.Addr().String()
	provider, err := idp.New(issuer, idp.Config{
		Clients: []idp.ClientConfig{{
			ID: "cmhf-qop", RedirectURIs: []string{public.JoinPath(signin.CallbackPath).String()},
			GrantTypes: []string{"authorization_code"}, Audience: []string{"cmhf-qop"},
		}},
		Users: []idp.UserConfig{
			{Username: "lead", Password: "lead", Name: "Digital lead", Claims: map[string]any{"ics": "QOP", "roles": []string{"digital-lead"}}},
			{Username: "visitor", Password: "visitor", Name: "Visitor", Claims: map[string]any{"ics": "QOP", "roles": []string{}}},
		},
	})
	if err != nil {
		return fmt.Errorf("set up the identity provider: %w", err)
	}
	api := &dashboardtest.API{Issuer: issuer}
	switch fault {
	case "none":
	case "figures":
		api.Fail("/v1/statistics/at-a-glance", http.StatusBadGateway)
	case "services":
		api.Fail("/v1/services", http.StatusBadGateway)
	case "sign-in":
		issuer = "http://127.0.0.1:1" // nobody listens there
	default:
		return fmt.Errorf("-fault %s is not known: use none, figures, services or sign-in", fault)
	}
	apiListener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the stand-in API: %w", err)
	}
	for l, h := range map[net.Listener]http.Handler{idpListener: provider, apiListener: api} {
		s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
		go func() { _ = s.Serve(l) }() // ends with the process
	}

	key := make([]byte, settings.SessionKeySize)
	_, _ = rand.Read(key) // never fails
	d, err := dashboard.New(settings.Settings{
		Listen: listen, InternalListen: "127.0.0.1:0", ODSCode: "QOP", ICSName: "Greater Manchester Integrated Care System",
		APIURL: &url.URL{Scheme: "http", Host: apiListener.Addr().String()}, OIDCIssuer: issuer, OIDCClientID: "cmhf-qop",
		PublicURL: public, SessionKey: key,
	}, slog.New(slog.NewTextHandler(os.Stderr, nil)), time.Now)
	if err != nil {
		return err
	}
	fmt.Printf("open %s and sign in as lead/lead (digital lead) or visitor/visitor (no role); stop with Ctrl-C\n", public)
	return d.Serve(ctx)
}
