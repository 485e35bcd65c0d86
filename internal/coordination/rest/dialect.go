package rest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/store"
)

// Dialect is a part of the address space that speaks another language than the OpenAPI document: FHIR. Its operations go through the
// same authentication, table of access, transactions and audit trail as all others; only what travels differs.
type Dialect struct {
	// Prefix of its addresses, with a slash at the end.
	Prefix string
	// Admit refuses what none of its operations takes, before anything else is looked at; nil admits.
	Admit func(*http.Request) *problem.Problem
	// Refuse writes a refusal.
	Refuse func(http.ResponseWriter, *http.Request, *problem.Problem)
}

// Speak adds a dialect.
func (a *API) Speak(d Dialect) { a.dialects = append(a.dialects, d) }

func (a *API) dialectOf(r *http.Request) (Dialect, bool) {
	for _, d := range a.dialects {
		if strings.HasPrefix(r.URL.Path, d.Prefix) {
			return d, true
		}
	}
	return Dialect{}, false
}

func (a *API) notAdmitted(r *http.Request) *problem.Problem {
	if dialect, ok := a.dialectOf(r); ok {
		return dialect.Admit(r)
	}
	return nil
}

// Request is what an operation of a dialect is asked.
type Request struct {
	*http.Request
	Body []byte
	// ID is that of the request, the sender's own.
	ID string
}

// Reply is what it answers. It can be kept under an idempotency key.
type Reply struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	// Body is kept to the byte, so that a repetition is answered with the same.
	Body []byte `json:"body"`
}

// Spoken says where an operation of a dialect is reached.
type Spoken struct {
	Method, Path string
	Operation    access.Operation
	// Concern is whose record the address names, for the audit trail of a refusal.
	Concern func(*http.Request) store.Concern
}

// HandleSpoken registers an operation of a dialect. As with Handle, the transaction is committed, audit trail included, before the reply.
func HandleSpoken(a *API, spoken Spoken, handle func(context.Context, *store.Tx, Request) (*Reply, error)) {
	rule := access.For(spoken.Operation)
	a.mux.HandleFunc(spoken.Method+" "+spoken.Path, func(w http.ResponseWriter, r *http.Request) {
		reply, err := a.hear(w, r, rule, spoken.Concern(r), handle)
		if err != nil {
			p := answer(r.Context(), err)
			if p.Status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", "Bearer")
			}
			a.writeProblem(w, r, p)
			return
		}
		WriteReply(w, r, reply)
	})
}

// HandleOpen registers an address of a dialect that needs no token and shows nothing that is not public.
func HandleOpen(a *API, method, path string, handle func(*http.Request) *Reply) {
	a.mux.HandleFunc(method+" "+path, func(w http.ResponseWriter, r *http.Request) { WriteReply(w, r, handle(r)) })
}

func (a *API) hear(w http.ResponseWriter, r *http.Request, rule access.Rule, concern store.Concern, handle func(context.Context, *store.Tx, Request) (*Reply, error)) (*Reply, error) {
	ctx := r.Context()
	caller, err := a.caller(plainExchange{w, r}, rule, concern)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if err != nil {
		return nil, a.refuse(ctx, rule, caller, unreadable(err), concern)
	}
	var reply *Reply
	err = a.store.InTx(ctx, rule.Operation, caller, func(ctx context.Context, tx *store.Tx) (err error) {
		tx.About(concern)
		reply, err = handle(ctx, tx, Request{r, body, requestID(ctx)})
		return err
	})
	return reply, err
}

func unreadable(err error) *problem.Problem {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return problem.New(problem.BodyTooLarge, "The body is longer than allowed.")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem.New(problem.BodyTimeout, "The body did not arrive in time.")
	}
	return problem.New(problem.Malformed, "The body did not arrive whole.")
}

// WriteReply writes what an operation answered.
func WriteReply(w http.ResponseWriter, r *http.Request, reply *Reply) {
	for name, value := range reply.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(reply.Status)
	if _, err := w.Write(reply.Body); err != nil {
		logFailure(r.Context(), "writing an answer", err)
	}
}

// plainExchange is a request without the web framework.
type plainExchange struct {
	w http.ResponseWriter
	r *http.Request
}

func (e plainExchange) Context() context.Context     { return e.r.Context() }
func (e plainExchange) Header(name string) string    { return e.r.Header.Get(name) }
func (e plainExchange) SetHeader(name, value string) { e.w.Header().Set(name, value) }
