package rest

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/store"
)

// retryAfter is how soon, in seconds, a write that was refused because the system is read-only is worth another try. The answer is
// a 503 and no 4xx because systems keep and repeat what gets the one and may drop what gets the other: no referral may be lost.
const retryAfter = "300"

type callKey struct{}

// call is an authorised request.
type call struct {
	api     *API
	rule    access.Rule
	caller  access.Caller
	concern store.Concern
}

func callFrom(ctx context.Context) (*call, bool) {
	c, ok := ctx.Value(callKey{}).(*call)
	return c, ok
}

func callerFrom(ctx context.Context) access.Caller {
	c, ok := callFrom(ctx)
	if !ok {
		panic("an operation runs without its caller") // every operation is registered with the middleware
	}
	return c.caller
}

// pathConcern is whose record the path names. For a part of a record the database finds the person.
func pathConcern(ctx huma.Context) store.Concern {
	id, err := uuid.Parse(ctx.Param("id"))
	switch {
	case err != nil:
		return store.Concern{}
	case strings.HasPrefix(ctx.Operation().Path, "/v1/people/"):
		return store.Concern{Person: id}
	}
	return store.Concern{Resource: id}
}

// authorise lets a request through when its token is good and one of its roles may do the operation. Refusals of known
// callers are audited.
func (a *API) authorise(rule access.Rule) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		concern := pathConcern(ctx)
		caller, err := a.caller(ctx, rule, concern)
		if err != nil {
			a.write(ctx, err)
			return
		}
		if refused := a.unstorable(ctx); refused != nil {
			a.write(ctx, a.refuse(ctx.Context(), rule, caller, refused, concern))
			return
		}
		next(huma.WithValue(ctx, callKey{}, &call{a, rule, caller, concern}))
	}
}

// unstorable refuses text in the query that no record can hold, and so none can be searched by. The document's rules don't speak of it.
func (a *API) unstorable(ctx huma.Context) *problem.Problem {
	address := ctx.URL()
	query := address.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range query[name] {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				return problem.InvalidField(safeLocation("query."+name, a.fieldNames()), "text in UTF-8 without NUL is expected")
			}
		}
	}
	return nil
}

// exchange is as much of a request and its answer as authorisation needs; that of the web framework has more.
type exchange interface {
	Context() context.Context
	Header(name string) string
	SetHeader(name, value string)
}

func (a *API) caller(ctx exchange, rule access.Rule, concern store.Concern) (access.Caller, error) {
	scheme, token, _ := strings.Cut(ctx.Header("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return access.Caller{}, problem.New(problem.Unauthenticated, "Send the header Authorization: Bearer followed by an access token.")
	}
	caller, err := a.verifier.Verify(ctx.Context(), token)
	var refused *problem.Problem
	wrongICS := errors.As(err, &refused) && refused.Slug() == problem.WrongICS
	if err != nil && !wrongICS {
		return access.Caller{}, err
	}
	// Not audited: nothing was looked at yet, and a flood of requests must not become a flood of writes. The request's log line tells of it.
	if after, ok := a.limiter.allow(caller, time.Now()); !ok {
		ctx.SetHeader("Retry-After", strconv.Itoa(after))
		return access.Caller{}, tooMany(after)
	}
	caller.RequestID = requestID(ctx.Context())
	switch role, ok := rule.Choose(caller.Roles); {
	case wrongICS: // the token is good and says who asks
	case !ok:
		refused = problem.New(problem.Forbidden, "The operation %s needs one of the roles %s.", rule.Operation, roleNames(rule.Roles))
	default:
		caller.Role = role
	}
	switch {
	case refused != nil || !rule.Personal:
	case caller.Role != access.Integration:
		caller.Purpose = caller.Role.Purpose()
	case caller.Purpose != access.PurposeDirectCare:
		refused = problem.New(problem.PurposeMissing, "The token's purpose claim must be %s.", access.PurposeDirectCare)
	}
	if refused == nil && rule.Writes && a.readOnly {
		ctx.SetHeader("Retry-After", retryAfter)
		refused = problem.New(problem.ReadOnly, "The operation %s changes records, and the records of this ICS can't be changed at present.", rule.Operation)
	}
	if refused == nil {
		return caller, nil
	}
	return access.Caller{}, a.refuse(ctx.Context(), rule, caller, refused, concern)
}

// refuse audits a refusal where the operation is about people, and gives what is to be answered: the refusal, or why it could not be audited.
func (a *API) refuse(ctx context.Context, rule access.Rule, caller access.Caller, refused *problem.Problem, concern store.Concern) error {
	if rule.Personal {
		if err := a.store.Refuse(ctx, rule.Operation, caller, refused, concern); err != nil {
			return err
		}
	}
	return refused
}

func roleNames(roles []access.Role) string {
	names := make([]string, len(roles))
	for i, role := range roles {
		names[i] = string(role)
	}
	return strings.Join(names, ", ")
}

// write answers a middleware's refusal.
func (a *API) write(ctx huma.Context, err error) {
	p := answer(ctx.Context(), err)
	if p.Status == http.StatusUnauthorized {
		ctx.SetHeader("WWW-Authenticate", "Bearer")
	}
	ctx.SetHeader("Content-Type", p.ContentType(""))
	ctx.SetStatus(p.Status)
	if err := a.huma.Marshal(ctx.BodyWriter(), "application/json", p); err != nil {
		logFailure(ctx.Context(), "writing a problem", err)
	}
}
