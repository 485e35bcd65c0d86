package idp

import (
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// grant is what a token is issued for: a person through a client, or a client for itself.
type grant struct {
	clientID string
	subject  string
	audience []string
	scopes   []string
	authTime time.Time
}

func (g *grant) GetClientID() string    { return g.clientID }
func (g *grant) GetSubject() string     { return g.subject }
func (g *grant) GetAudience() []string  { return g.audience }
func (g *grant) GetScopes() []string    { return g.scopes }
func (g *grant) GetAuthTime() time.Time { return g.authTime }
func (g *grant) GetAMR() []string       { return []string{"pwd"} }

// authRequest is a sign-in that was begun by a client. The library reads it concurrently, so a request in the store is
// replaced by a changed copy, never written to.
type authRequest struct {
	grant
	id       string
	created  time.Time
	original oidc.AuthRequest
	done     bool
}

var _ op.AuthRequest = (*authRequest)(nil)

func (a *authRequest) GetID() string                      { return a.id }
func (a *authRequest) GetACR() string                     { return "" }
func (a *authRequest) GetNonce() string                   { return a.original.Nonce }
func (a *authRequest) GetRedirectURI() string             { return a.original.RedirectURI }
func (a *authRequest) GetResponseType() oidc.ResponseType { return a.original.ResponseType }
func (a *authRequest) GetResponseMode() oidc.ResponseMode { return a.original.ResponseMode }
func (a *authRequest) GetState() string                   { return a.original.State }
func (a *authRequest) Done() bool                         { return a.done }

func (a *authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	if a.original.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: a.original.CodeChallenge, Method: a.original.CodeChallengeMethod}
}

// wantsFreshLogin is true when the client refuses to reuse an earlier sign-in of that age.
func (a *authRequest) wantsFreshLogin(age time.Duration) bool {
	if slices.Contains(a.original.Prompt, oidc.PromptLogin) {
		return true
	}
	return a.original.MaxAge != nil && age > time.Duration(*a.original.MaxAge)*time.Second
}

// refreshRequest is one use of a refresh token.
type refreshRequest struct{ grant }

var _ op.RefreshTokenRequest = (*refreshRequest)(nil)

func (r *refreshRequest) SetCurrentScopes(scopes []string) { r.scopes = scopes }
