package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/trace"

	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/tracing"
)

// traced is the tracer, if there is one.
type traced struct{ tracer trace.Tracer }

// startTracing does nothing without a collector. stop sends what waits, for some seconds.
func startTracing(ctx context.Context, c Config) (t traced, stop func(), err error) {
	if c.TraceEndpoint == "" {
		return traced{}, func() {}, nil
	}
	tracer, end, err := tracing.Start(context.WithoutCancel(ctx), tracing.Settings{Endpoint: c.TraceEndpoint, Version: c.Version, ODSCode: c.ODSCode})
	if err != nil {
		return traced{}, nil, err
	}
	slog.Info("requests are traced", "endpoint", c.TraceEndpoint)
	return traced{tracer}, func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := end(last); err != nil {
			slog.Warn("the last traces were not sent", "error", err.Error())
		}
	}, nil
}

func (t traced) statements() pgx.QueryTracer {
	if t.tracer == nil {
		return nil
	}
	return tracing.Statements{Tracer: t.tracer}
}

func (t traced) requests(api *rest.API) {
	if t.tracer != nil {
		api.Trace(t.tracer)
	}
}
