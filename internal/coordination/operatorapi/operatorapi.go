// Package operatorapi is the API's internal port: health for the kubelet, metrics for Prometheus, and the operator's calls
// (service directory, what is running). It is never routed from outside; the operator's calls need the tenant's token.
package operatorapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/schema"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
	"github.com/cmhf/operator/internal/directory"
)

// maxDirectoryBytes is far above the directory of the largest ICS.
const maxDirectoryBytes = 4 << 20

// readyTimeout bounds the database's part of the readiness check.
const readyTimeout = 2 * time.Second

// Port serves the internal port.
type Port struct {
	Store     *store.Store
	Token     *TokenFile
	ODSCode   string
	Version   string
	Synthetic bool
	// SignInReady tells whether the identity provider was found; it is reported and does not decide readiness.
	SignInReady func() bool
	Metrics     prometheus.Gatherer

	stopping atomic.Bool
}

func (p *Port) holder() schema.Holder {
	return schema.Holder{ODSCode: p.ODSCode, Synthetic: p.Synthetic}
}

// Stop makes the port report not ready, so that no new requests are sent while those that run are finished.
func (p *Port) Stop() { p.stopping.Store(true) }

// Handler gives the port's routes.
func (p *Port) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
	})
	mux.HandleFunc("GET /readyz", p.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.Metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /internal/v1/directory", p.authorised(p.getDirectory))
	mux.HandleFunc("PUT /internal/v1/directory", p.authorised(p.putDirectory))
	mux.HandleFunc("GET /internal/v1/about", p.authorised(p.about))
	return mux
}

type readiness struct {
	Ready    bool   `json:"ready"`
	Database string `json:"database"`
	// SignIn is reported only: while the provider is away the API answers 503 problems and should stay reachable to say so.
	SignIn string `json:"signIn"`
}

func (p *Port) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	state := readiness{Database: "ready", SignIn: "ready"}
	if !p.SignInReady() {
		state.SignIn = "identity provider not found yet"
	}
	_, err := schema.Serves(ctx, p.Store.Pool(), p.holder())
	switch {
	case p.stopping.Load():
		state.Database = "stopping"
	case errors.Is(err, schema.ErrNotMigrated):
		state.Database = schema.ErrNotMigrated.Error()
	case errors.Is(err, schema.ErrAnotherHolder):
		state.Database = err.Error()
	case err != nil:
		state.Database = "not reachable"
	default:
		state.Ready = true
	}
	status := http.StatusOK
	if !state.Ready {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, state)
}

func (p *Port) authorised(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ok, err := p.Token.Matches(sentToken(r))
		switch {
		case err != nil:
			slog.Error("the operator's token cannot be read", "error", err.Error())
			writeProblem(w, problem.New(problem.SignInUnavailable, "The operator's token cannot be read on this side."))
		case !ok:
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeProblem(w, problem.New(problem.Unauthenticated, "Send the tenant's internal token."))
		default:
			next(w, r)
		}
	}
}

func (p *Port) getDirectory(w http.ResponseWriter, r *http.Request) {
	committed, err := services.Committed(r.Context(), p.Store.Pool())
	if err != nil {
		p.fail(w, err)
		return
	}
	writeJSON(w, http.StatusOK, committed)
}

func (p *Port) putDirectory(w http.ResponseWriter, r *http.Request) {
	d, err := DecodeDirectory(http.MaxBytesReader(w, r.Body, maxDirectoryBytes))
	if err != nil {
		writeProblem(w, problem.InvalidField("body", "not a directory document: %s", err))
		return
	}
	if _, err := schema.Serves(r.Context(), p.Store.Pool(), p.holder()); err != nil {
		p.fail(w, err)
		return
	}
	committed, err := services.Commit(r.Context(), p.Store.Pool(), p.ODSCode, d)
	if err != nil {
		p.fail(w, err)
		return
	}
	slog.Info("directory committed", "revision", committed.Revision, "services", len(committed.Services))
	writeJSON(w, http.StatusOK, committed)
}

// DecodeDirectory reads one directory document and refuses fields that this version does not know.
func DecodeDirectory(r io.Reader) (directory.Directory, error) {
	var d directory.Directory
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return d, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return d, errors.New("there is more after the document")
	}
	return d, nil
}

func (p *Port) about(w http.ResponseWriter, r *http.Request) {
	version, err := schema.Version(r.Context(), p.Store.Pool())
	if err != nil && !errors.Is(err, schema.ErrNotMigrated) {
		p.fail(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"version": p.Version, "schemaVersion": version, "odsCode": p.ODSCode, "synthetic": p.Synthetic})
}

func (p *Port) fail(w http.ResponseWriter, err error) {
	var known *problem.Problem
	if !errors.As(err, &known) {
		slog.Error("an internal call failed", "error", store.Describe(err))
		known = problem.New(problem.DatabaseUnavailable, "The database did not do this.")
	}
	writeProblem(w, known)
}

func writeProblem(w http.ResponseWriter, p *problem.Problem) {
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	encode(w, p)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encode(w, v)
}

func encode(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		slog.Warn("an internal answer could not be written", "error", err.Error())
	}
}
