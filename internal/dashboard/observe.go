package dashboard

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics of one dashboard, in a registry of its own.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	api      *prometheus.HistogramVec
	signIns  *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cmhf_dashboard_request_duration_seconds", Help: "Time to answer a reader's request, by route and status code.",
			Buckets: []float64{.005, .025, .1, .25, .5, 1, 2.5, 5, 15},
		}, []string{"route", "code"}),
		api: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cmhf_dashboard_api_call_duration_seconds", Help: "Time for calls of the coordination API, by operation and outcome (ok, not_allowed, token_refused, cancelled, failed).",
			Buckets: []float64{.005, .025, .1, .25, .5, 1, 2.5, 8},
		}, []string{"operation", "outcome"}),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cmhf_dashboard_sign_ins_total", Help: "Finished sign-ins, by outcome (ok, refused, stale, too_large, unavailable, failed).",
		}, []string{"outcome"}),
	}
	m.registry.MustRegister(m.requests, m.api, m.signIns, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// apiCall starts timing a call of the coordination API; the function that it returns ends it.
func (m *metrics) apiCall(operation string) func(outcome string) {
	began := time.Now()
	return func(outcome string) {
		m.api.WithLabelValues(operation, outcome).Observe(time.Since(began).Seconds())
	}
}

type referenceKey struct{}

// reference is the name under which the request is logged here and by the coordination API; messages show it to readers.
func reference(ctx context.Context) string {
	r, _ := ctx.Value(referenceKey{}).(string)
	return r
}

// observe logs and counts requests by route. Addresses stay out of both: an answer of the identity provider carries a code.
func (d *Dashboard) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		ref := uuid.NewString() // the API takes over request ids that are UUIDs
		r = r.WithContext(context.WithValue(r.Context(), referenceKey{}, ref))
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		took := time.Since(began)
		route := r.Pattern // the mux has set it
		d.metrics.requests.WithLabelValues(route, strconv.Itoa(seen.status)).Observe(took.Seconds())
		d.log.InfoContext(r.Context(), "request", "route", route, "method", method(r.Method), "status", seen.status,
			"milliseconds", took.Milliseconds(), "reference", ref)
	})
}

// method keeps invented methods out of the logs.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return m
	}
	return "other"
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
