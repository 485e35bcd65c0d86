package dashboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/cmhf/operator/internal/farewell"
)

const (
	// leaveTime is how long the dashboard goes on answering after it has said that it is not ready, so that no request comes
	// to a closed door while the cluster takes it off its list.
	leaveTime = 3 * time.Second
	// drain bounds the wait for requests under way.
	drain = 20 * time.Second
)

// readiness is true between the start of serving and the wish to stop.
type readiness struct{ atomic.Bool }

func (r *readiness) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if !r.Load() {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ready\n")) // the asker has gone
}

// internalRoutes answers the cluster. The dashboard is ready without the coordination API and the identity provider: only it
// can tell readers that they are away.
func (d *Dashboard) internalRoutes() *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n")) // the asker has gone
	})
	m.Handle("GET /readyz", &d.ready)
	m.Handle("GET /metrics", promhttp.HandlerFor(d.metrics.registry, promhttp.HandlerOpts{}))
	return m
}

// Serve answers both addresses until ctx ends, then stops gently.
func (d *Dashboard) Serve(ctx context.Context) error {
	listeners := net.ListenConfig{}
	public, err := listeners.Listen(ctx, "tcp", d.settings.Listen)
	if err != nil {
		return fmt.Errorf("listen for readers (CMHF_LISTEN): %w", err)
	}
	internal, err := listeners.Listen(ctx, "tcp", d.settings.InternalListen)
	if err != nil {
		return errors.Join(fmt.Errorf("listen for health checks (CMHF_INTERNAL_LISTEN): %w", err), public.Close())
	}
	leaving := &farewell.Farewell{}
	servers := map[net.Listener]*http.Server{public: d.server(leaving.Tell(d.Public)), internal: d.server(d.Internal)}

	group, ctx := errgroup.WithContext(ctx)
	for listener, s := range servers {
		group.Go(func() error {
			if err := s.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve %s: %w", listener.Addr(), err)
			}
			return nil
		})
	}
	d.ready.Store(true)
	d.log.Info("serving", "public", public.Addr().String(), "internal", internal.Addr().String(), "ics", d.settings.ODSCode)
	group.Go(func() error {
		<-ctx.Done()
		d.ready.Store(false)
		leaving.Store(true)
		d.log.Info("stopping", "leave_time", leaveTime.String(), "drain", drain.String())
		time.Sleep(leaveTime)
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		// Readers first; the cluster can ask for our health until the end.
		return errors.Join(servers[public].Shutdown(ending), servers[internal].Shutdown(ending))
	})
	return group.Wait()
}

func (d *Dashboard) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      pageTimeout + 10*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(d.log.Handler(), slog.LevelWarn),
	}
}
