package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/store"
)

type callerKey struct{}

func callerFrom(ctx context.Context) access.Caller {
	caller, ok := ctx.Value(callerKey{}).(access.Caller)
	if !ok {
		panic("an operation runs without its caller") // every operation is registered with the middleware
	}
	return caller
}

// authorise lets a request through when its token is good and one of its roles may do the operation. Refusals of known
// callers are audited.
func (a *API) authorise(rule access.Rule) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		caller, err := a.caller(ctx, rule)
		if err != nil {
			a.write(ctx, err)
			return
		}
		next(huma.WithValue(ctx, callerKey{}, caller))
	}
}

func (a *API) caller(ctx huma.Context, rule access.Rule) (access.Caller, error) {
	scheme, token, _ := strings.Cut(ctx.Header("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return access.Caller{}, problem.New(problem.Unauthenticated, "Send the header Authorization: Bearer followed by an access token.")
	}
	caller, err := a.verifier.Verify(ctx.Context(), token)
	if err != nil {
		return access.Caller{}, err
	}
	caller.RequestID = requestID(ctx.Context())
	var refused *problem.Problem
	if role, ok := rule.Choose(caller.Roles); !ok {
		refused = problem.New(problem.Forbidden, "The operation %s needs one of the roles %s.", rule.Operation, roleNames(rule.Roles))
	} else {
		caller.Role = role
	}
	switch {
	case refused != nil || !rule.Personal:
	case caller.Role != access.Integration:
		caller.Purpose = access.PurposeDirectCare
	case caller.Purpose != access.PurposeDirectCare:
		refused = problem.New(problem.PurposeMissing, "The token's purpose claim must be %s.", access.PurposeDirectCare)
	}
	if refused == nil {
		return caller, nil
	}
	if rule.Personal {
		if err := a.store.Refuse(ctx.Context(), rule.Operation, caller, refused, store.Concern{}); err != nil {
			return access.Caller{}, err
		}
	}
	return access.Caller{}, refused
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
	final := answer(ctx.Context(), err)
	var p *problem.Problem
	if !errors.As(final, &p) {
		p = problem.New(problem.Internal, "")
	}
	if p.Status == http.StatusUnauthorized {
		ctx.SetHeader("WWW-Authenticate", "Bearer")
	}
	ctx.SetHeader("Content-Type", p.ContentType(""))
	ctx.SetStatus(p.Status)
	if err := a.huma.Marshal(ctx.BodyWriter(), "application/json", p); err != nil {
		logFailure(ctx.Context(), "writing a problem", err)
	}
}
