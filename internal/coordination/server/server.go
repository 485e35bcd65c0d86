// Package server puts the coordination API together: configuration from the environment, the subjects on the public port,
// the internal port, and an orderly start and stop.
package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/cmhf/operator/internal/coordination/audit"
	"github.com/cmhf/operator/internal/coordination/changes"
	"github.com/cmhf/operator/internal/coordination/community"
	"github.com/cmhf/operator/internal/coordination/contacts"
	"github.com/cmhf/operator/internal/coordination/coordination"
	"github.com/cmhf/operator/internal/coordination/deaths"
	"github.com/cmhf/operator/internal/coordination/emergency"
	"github.com/cmhf/operator/internal/coordination/episodes"
	"github.com/cmhf/operator/internal/coordination/feedback"
	"github.com/cmhf/operator/internal/coordination/fhir"
	"github.com/cmhf/operator/internal/coordination/handovers"
	"github.com/cmhf/operator/internal/coordination/healthchecks"
	"github.com/cmhf/operator/internal/coordination/identity"
	"github.com/cmhf/operator/internal/coordination/matching"
	"github.com/cmhf/operator/internal/coordination/measures"
	"github.com/cmhf/operator/internal/coordination/needs"
	"github.com/cmhf/operator/internal/coordination/operatorapi"
	"github.com/cmhf/operator/internal/coordination/outcomes"
	"github.com/cmhf/operator/internal/coordination/partners"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/people/capacity"
	"github.com/cmhf/operator/internal/coordination/people/carers"
	"github.com/cmhf/operator/internal/coordination/people/details"
	"github.com/cmhf/operator/internal/coordination/people/living"
	"github.com/cmhf/operator/internal/coordination/people/protection"
	"github.com/cmhf/operator/internal/coordination/plans"
	"github.com/cmhf/operator/internal/coordination/populations"
	"github.com/cmhf/operator/internal/coordination/reentry"
	"github.com/cmhf/operator/internal/coordination/referrals"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/retention"
	"github.com/cmhf/operator/internal/coordination/retractions"
	"github.com/cmhf/operator/internal/coordination/safetyplans"
	"github.com/cmhf/operator/internal/coordination/schema"
	"github.com/cmhf/operator/internal/coordination/series"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/statistics"
	"github.com/cmhf/operator/internal/coordination/store"
	"github.com/cmhf/operator/internal/coordination/worklists"
	"github.com/cmhf/operator/internal/directory"
	"github.com/cmhf/operator/internal/farewell"
)

const (
	// leaveTime is how long the port serves on after it reports not ready, until load balancers have noticed.
	leaveTime = 3 * time.Second
	// drainTime is how long running requests may take at the end.
	drainTime = 20 * time.Second
)

// Public builds the public API with all its subjects. store and verifier may be nil to get the OpenAPI document only.
func Public(c Config, s *store.Store, verifier rest.Verifier) *rest.API {
	api := rest.New(s, verifier, rest.Settings{ReadOnly: c.ReadOnly, RateLimit: c.RateLimit})
	services.Register(api)
	people.Register(api)
	details.Register(api)
	living.Register(api)
	carers.Register(api)
	protection.Register(api)
	capacity.Register(api)
	referrals.Register(api)
	episodes.Register(api)
	matching.Register(api)
	retractions.Register(api)
	deaths.Register(api)
	emergency.Register(api)
	retention.Register(api)
	worklists.Register(api)
	coordination.Register(api)
	handovers.Register(api)
	reentry.Register(api)
	contacts.Register(api)
	plans.Register(api)
	safetyplans.Register(api)
	outcomes.Register(api)
	healthchecks.Register(api)
	needs.Register(api)
	community.Register(api)
	feedback.Register(api)
	partners.Register(api)
	statistics.Register(api, statistics.ICS{ODSCode: c.ODSCode, Name: c.ICSName}, c.Synthetic)
	audit.Register(api)
	changes.Register(api)
	fhir.Register(api)
	measures.Register(api, c.Synthetic)
	populations.Register(api)
	series.Register(api)
	return api
}

// Run serves both ports until ctx ends, then drains.
func Run(ctx context.Context, c Config) error {
	token := &operatorapi.TokenFile{Path: c.TokenFile}
	if err := token.Check(); err != nil {
		return fmt.Errorf("CMHF_INTERNAL_TOKEN_FILE: %w", err)
	}
	sealer, err := newSealer(c)
	if err != nil {
		return err
	}
	tracer, stopTracing, err := startTracing(ctx, c)
	if err != nil {
		return err
	}
	defer stopTracing()
	db, err := store.OpenTraced(context.WithoutCancel(ctx), c.Database, tracer.statements())
	if err != nil {
		return err
	}
	defer db.Close()
	verifier := identity.New(identity.Config{Issuer: c.Issuer, Audience: c.Audience, ODSCode: c.ODSCode})
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), poolCollector{db.Pool()})
	port := &operatorapi.Port{
		Store: db, Token: token, ODSCode: c.ODSCode, Version: c.Version, Synthetic: c.Synthetic,
		SignInReady: verifier.Ready, Metrics: registry,
	}
	leaving := &farewell.Farewell{}
	api := Public(c, db, verifier)
	tracer.requests(api)
	public, err := listen("CMHF_LISTEN", c.Listen, leaving.Tell(api.Handler(registry)))
	if err != nil {
		return err
	}
	internal, err := listen("CMHF_INTERNAL_LISTEN", c.InternalListen, port.Handler())
	if err != nil {
		return errors.Join(err, public.listener.Close())
	}
	slog.Info("coordination API listens", "public", public.address(), "internal", internal.address(), "ods_code", c.ODSCode, "version", c.Version, "synthetic", c.Synthetic, "read_only", c.ReadOnly)

	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	go verifier.Discover(background)
	go commitStartUpDirectory(background, c, db)
	work{c, db, sealer}.start(background)

	group, serving := errgroup.WithContext(ctx)
	group.Go(public.serve)
	group.Go(internal.serve)
	group.Go(func() error {
		<-serving.Done()
		slog.Info("stopping: no longer ready, then finishing what runs", "reason", context.Cause(serving).Error())
		port.Stop()
		leaving.Store(true)
		if ctx.Err() != nil {
			time.Sleep(leaveTime)
		}
		drain, cancel := context.WithTimeout(background, drainTime)
		defer cancel()
		return errors.Join(public.server.Shutdown(drain), internal.server.Shutdown(drain))
	})
	return group.Wait()
}

type listening struct {
	server   *http.Server
	listener net.Listener
}

func listen(variable, address string, handler http.Handler) (*listening, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", variable, err)
	}
	return &listening{listener: listener, server: &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
	}}, nil
}

func (l *listening) address() string { return l.listener.Addr().String() }

func (l *listening) serve() error {
	if err := l.server.Serve(l.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving on %s: %w", l.address(), err)
	}
	return nil
}

// commitStartUpDirectory commits the mounted copy of the directory when it is newer than what the database holds, so that
// a restored or empty database gets its services without waiting for the operator.
func commitStartUpDirectory(ctx context.Context, c Config, db *store.Store) {
	file, err := os.Open(c.DirectoryFile)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		slog.Error("the start-up directory cannot be opened", "file", c.DirectoryFile, "error", err.Error())
		return
	}
	defer file.Close()
	d, err := operatorapi.DecodeDirectory(file)
	if err != nil {
		slog.Error("the start-up directory cannot be read", "file", c.DirectoryFile, "error", err.Error())
		return
	}
	const wait = 2 * time.Second
	for {
		committed, err := commitOwn(ctx, c, db, d)
		switch {
		case err == nil:
			slog.Info("start-up directory is committed", "revision", committed.Revision)
			return
		case services.IsOlder(err):
			slog.Info("the database holds a newer directory than the start-up copy", "revision", d.Revision)
			return
		case services.IsInvalid(err):
			slog.Error("the start-up directory is not valid", "file", c.DirectoryFile, "error", err.Error())
			return
		}
		slog.Warn("the start-up directory is not committed yet; trying again", "error", store.Describe(err))
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// commitOwn writes nothing into a database that holds another system's records.
func commitOwn(ctx context.Context, c Config, db *store.Store, d directory.Directory) (directory.Committed, error) {
	if _, err := schema.Serves(ctx, db.Pool(), c.holder()); err != nil {
		return directory.Committed{}, err
	}
	return services.Commit(ctx, db.Pool(), c.ODSCode, d)
}
