// Package rest is the public HTTP side of the API that all subjects share: authentication, authorisation by the access
// table, transactions with audit, idempotency, problems, the OpenAPI document, logging and metrics.
//
// A subject registers its operations with Handle and gets, for each request, a valid input and a transaction of the
// caller. It neither sees tokens nor writes responses. Health and the operator's port are not here (package operatorapi).
package rest

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/docpage"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/store"
)

// Verifier checks bearer tokens.
type Verifier interface {
	Verify(ctx context.Context, token string) (access.Caller, error)
}

// API is where subjects register their operations.
type API struct {
	huma     huma.API
	mux      *http.ServeMux
	store    *store.Store
	verifier Verifier
	// readOnly refuses every operation that writes.
	readOnly bool
	// limiter bounds how often one caller may ask; nil when nothing is bounded.
	limiter *limiter
	tracer  trace.Tracer
	// dialects answer in their own form, each under its own prefix.
	dialects []Dialect
	// fieldNames are all names of fields and parameters in the document.
	fieldNames func() map[string]bool
}

const (
	bearer = "bearer"
	// maxBodyBytes is ample for one record with free text.
	maxBodyBytes = 64 << 10
)

const description = `Coordinates care under the Community Mental Health Framework: one record of referral, episode and return plan for everyone around a person.

Every call needs an access token of the ICS's identity provider. A record that none of your services may see answers like one that does not exist. Errors are RFC 9457 problems whose type resolves to an explanation on this server. POST takes an Idempotency-Key: repeat a request that got no answer with the same key.`

// useProblems makes the framework's own errors problems. The framework keeps its error constructor in a package variable,
// so it is set once for the process.
var useProblems = sync.OnceFunc(func() {
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		return refuseByFramework(ctx.Context(), status, message, errs)
	}
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return refuseByFramework(context.Background(), status, message, errs)
	}
	// Otherwise "Reason" beside "reason" would be read and not checked.
	huma.ValidateStrictCasing = true
})

// Version is that of the contract in the document, not of the program: it grows when operations or fields are added.
const Version = "1.0.0"

// Settings are what the environment says of how requests are taken.
type Settings struct {
	// ReadOnly refuses the operations that change records.
	ReadOnly bool
	// RateLimit is how many requests a second each caller may send to this replica; 0 is no limit.
	RateLimit float64
}

// New makes an API without operations.
func New(s *store.Store, verifier Verifier, settings Settings) *API {
	useProblems()
	mux := http.NewServeMux()
	config := huma.DefaultConfig("Coordination API", Version)
	config.Info.Description = description
	config.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	config.Tags = subjects
	config.CreateHooks = nil // no $schema in bodies
	config.DocsPath, config.SchemasPath = "", ""
	config.Formats = map[string]huma.Format{"application/json": strictJSON, "json": strictJSON}
	config.RejectUnknownQueryParameters = true
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		bearer: {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "Access token of the ICS's identity provider."},
	}
	problem.Pages(mux)
	docpage.Pages(mux)
	a := &API{huma: humago.New(mux, config), mux: mux, store: s, verifier: verifier, readOnly: settings.ReadOnly, limiter: newLimiter(settings.RateLimit, mostCallers), tracer: noop.Tracer{}}
	a.fieldNames = sync.OnceValue(func() map[string]bool { return fieldNames(a.OpenAPI()) })
	return a
}

// Trace has requests traced; without it nothing is.
func (a *API) Trace(tracer trace.Tracer) { a.tracer = tracer }

// OpenAPI is the document of everything registered so far.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

// Route says where an operation is reached and how it is described.
type Route struct {
	Method, Path string
	Operation    access.Operation
	Tag          string
	Summary      string
	Description  string
	// Status of success; 200 when zero.
	Status int
	// Errors that the operation may answer, beyond those common to all.
	Errors []int
}

var commonErrors = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}

var bodyErrors = []int{http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType}

// Handle registers an operation. The handler's transaction is committed, audit trail included, before the reply.
func Handle[Input, Output any](a *API, route Route, handle func(context.Context, *store.Tx, *Input) (*Output, error)) {
	rule := access.For(route.Operation)
	errors := append(slices.Clone(commonErrors), route.Errors...)
	if route.Method != http.MethodGet {
		errors = append(errors, bodyErrors...)
	}
	operation := huma.Operation{
		OperationID: string(route.Operation), Method: route.Method, Path: route.Path, DefaultStatus: route.Status,
		Tags: []string{route.Tag}, Summary: route.Summary, Description: route.Description,
		Errors:       errors,
		Security:     []map[string][]string{{bearer: {}}},
		MaxBodyBytes: maxBodyBytes,
		Middlewares:  huma.Middlewares{a.authorise(rule)},
		Extensions:   map[string]any{"x-roles": rule.Roles},
	}
	huma.Register(a.huma, operation, func(ctx context.Context, in *Input) (*Output, error) {
		caller := callerFrom(ctx)
		var out *Output
		err := a.store.InTx(ctx, route.Operation, caller, func(ctx context.Context, tx *store.Tx) (err error) {
			out, err = once(ctx, tx, in, func() (*Output, error) { return handle(ctx, tx, in) })
			return err
		})
		if err != nil {
			return nil, answer(ctx, err)
		}
		return out, nil
	})
}

// Idempotent is embedded in the input of operations that can be repeated safely with a key.
type Idempotent struct {
	Key string `header:"Idempotency-Key" json:"-" maxLength:"100" pattern:"^[\\x21-\\x7e]+$" doc:"A key of your choice, new for each new request. The same key with the same request within 24 hours gives the same answer again, and the work is done once."`
}

func (i Idempotent) idempotencyKey() string { return i.Key }

func once[Input, Output any](ctx context.Context, tx *store.Tx, in *Input, work func() (*Output, error)) (*Output, error) {
	keyed, ok := any(in).(interface{ idempotencyKey() string })
	if !ok {
		return work()
	}
	return store.Once(ctx, tx, keyed.idempotencyKey(), in, work)
}
