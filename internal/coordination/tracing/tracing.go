// Package tracing sends OpenTelemetry spans of requests and database statements to a collector, when one is configured.
//
// Spans hold route patterns, verbs, names of tables, status codes and times. They never hold paths, queries, headers, bodies, arguments or
// texts of errors: those name people and records. Of what callers send only the two ids of a traceparent are taken over.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Settings say where spans go and who sends them.
type Settings struct {
	// Endpoint is the collector's base URL (OTEL_EXPORTER_OTLP_ENDPOINT). The exporter reads the other variables of its family, headers
	// and certificates among them, and the sampler OTEL_TRACES_SAMPLER.
	Endpoint         string
	Version, ODSCode string
}

// Start gives a tracer and what ends it: spans that wait are sent within the context's time.
func Start(ctx context.Context, s Settings) (tracer trace.Tracer, stop func(context.Context) error, err error) {
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(strings.TrimSuffix(s.Endpoint, "/")+"/v1/traces"))
	if err != nil {
		return nil, nil, fmt.Errorf("making the exporter of traces (OTEL_EXPORTER_OTLP_*): %w", err)
	}
	// The environment comes last: OTEL_SERVICE_NAME may name the service otherwise.
	described, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "coordination-api"), attribute.String("service.version", s.Version), attribute.String("cmhf.ods_code", s.ODSCode),
	), resource.WithFromEnv())
	if err != nil {
		return nil, nil, fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { slog.Warn("traces were not sent", "error", err.Error()) }))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(described))
	return provider.Tracer("github.com/cmhf/operator/internal/coordination"), provider.Shutdown, nil
}

// Request begins the span of a request, as part of the caller's trace if it sent one.
func Request(ctx context.Context, tracer trace.Tracer, header http.Header) (context.Context, trace.Span) {
	// Nothing but traceparent: tracestate and baggage hold what callers like.
	sent := propagation.MapCarrier{"traceparent": header.Get("traceparent")}
	return tracer.Start(propagation.TraceContext{}.Extract(ctx, sent), "request", trace.WithSpanKind(trace.SpanKindServer))
}

// EndRequest ends the span of a request that was answered under a route's pattern.
func EndRequest(span trace.Span, route string, status int) {
	span.SetName(route)
	span.SetAttributes(attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		span.SetStatus(failed, "")
	}
	span.End()
}
