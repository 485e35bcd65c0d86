package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/tracing"
)

type requestKey struct{}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

func instance(ctx context.Context) string { return "urn:uuid:" + requestID(ctx) }

// Handler serves everything registered. Each request is logged and measured by its route pattern: the path itself holds
// ids of records.
func (a *API) Handler(registry prometheus.Registerer) http.Handler {
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "cmhf_api_request_duration_seconds", Help: "Time to answer public requests.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"route", "status"})
	registry.MustRegister(durations)

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := sentRequestID(r)
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, id))
		header := w.Header()
		header.Set("X-Request-ID", id)
		if correlation := r.Header.Get("X-Correlation-ID"); len(correlation) <= 128 && correlation != "" {
			header.Set("X-Correlation-ID", correlation)
		}
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")

		ctx, span := tracing.Request(r.Context(), a.tracer, r.Header)
		r = r.WithContext(ctx)
		recorder := &statusRecorder{ResponseWriter: w}
		route := a.serve(recorder, r)
		tracing.EndRequest(span, route, recorder.status)
		elapsed := time.Since(start)
		durations.WithLabelValues(route, strconv.Itoa(recorder.status)).Observe(elapsed.Seconds())
		line := []any{"request_id", id, "route", route, "status", recorder.status, "duration_ms", elapsed.Milliseconds()}
		if of := span.SpanContext(); of.IsSampled() {
			line = append(line, "trace_id", of.TraceID().String())
		}
		slog.InfoContext(r.Context(), "request", line...)
	})
}

// sentRequestID takes the caller's id when it is a UUID, so that nothing else gets into logs by this way.
func sentRequestID(r *http.Request) string {
	if id, err := uuid.Parse(r.Header.Get("X-Request-ID")); err == nil {
		return id.String()
	}
	return uuid.NewString()
}

// serve answers one request and gives its route pattern. A panic becomes a problem; its value may hold data and is not logged.
func (a *API) serve(w *statusRecorder, r *http.Request) (route string) {
	handler, route := a.mux.Handler(r)
	if refused := a.notAdmitted(r); refused != nil {
		a.writeProblem(w, r, refused)
		return cmp.Or(route, "none")
	}
	if route == "" {
		a.writeUnrouted(w, r, handler)
		return "none"
	}
	defer func() {
		if recovered := recover(); recovered != nil {
			slog.ErrorContext(r.Context(), "request panicked", "request_id", requestID(r.Context()), "route", route, "stack", string(debug.Stack()))
			if w.status == 0 {
				a.writeProblem(w, r, problem.New(problem.Internal, "The server could not finish the request."))
			}
		}
	}()
	a.mux.ServeHTTP(w, r)
	return route
}

// writeUnrouted turns the mux's plain-text refusals into problems.
func (a *API) writeUnrouted(w http.ResponseWriter, r *http.Request, refuse http.Handler) {
	probe := &headersOnly{header: http.Header{}}
	refuse.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		a.writeProblem(w, r, problem.New(problem.MethodNotAllowed, "Use one of %s.", strings.ToUpper(probe.header.Get("Allow"))))
		return
	}
	a.writeProblem(w, r, problem.New(problem.NotFound, "There is nothing at this address; /docs shows the operations."))
}

func (a *API) writeProblem(w http.ResponseWriter, r *http.Request, p *problem.Problem) {
	p.Instance = instance(r.Context())
	if dialect, ok := a.dialectOf(r); ok {
		dialect.Refuse(w, r, p)
		return
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	if err := json.NewEncoder(w).Encode(p); err != nil {
		logFailure(r.Context(), "writing a problem", err)
	}
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusRecorder) Write(b []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}

// Unwrap lets the framework set read deadlines.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// headersOnly is a response of which only status and headers matter.
type headersOnly struct {
	header http.Header
	status int
}

func (h *headersOnly) Header() http.Header         { return h.header }
func (h *headersOnly) Write(b []byte) (int, error) { return len(b), nil }
func (h *headersOnly) WriteHeader(status int)      { h.status = status }
