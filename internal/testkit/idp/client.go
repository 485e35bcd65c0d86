package idp

import (
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// client shows a ClientConfig to the protocol library.
type client struct {
	config ClientConfig
}

var _ op.Client = client{}

func (c client) GetID() string { return c.config.ID }

func (c client) RedirectURIs() []string { return c.config.RedirectURIs }

// PostLogoutRedirectURIs are the start pages of the sites that the redirect URIs belong to.
func (c client) PostLogoutRedirectURIs() []string {
	var uris []string
	for _, raw := range c.config.RedirectURIs {
		u, err := url.Parse(raw)
		if err != nil {
			continue // refused when the configuration was read
		}
		uris = append(uris, u.Scheme+"://"+u.Host+"/")
	}
	return uris
}

func (c client) ApplicationType() op.ApplicationType {
	if c.config.Secret == "" {
		return op.ApplicationTypeUserAgent
	}
	return op.ApplicationTypeWeb
}

func (c client) AuthMethod() oidc.AuthMethod {
	if c.config.Secret == "" {
		return oidc.AuthMethodNone
	}
	return oidc.AuthMethodBasic
}

func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

func (c client) GrantTypes() []oidc.GrantType {
	grants := make([]oidc.GrantType, 0, len(c.config.GrantTypes))
	for _, grant := range c.config.GrantTypes {
		grants = append(grants, oidc.GrantType(grant))
	}
	return grants
}

func (c client) LoginURL(id string) string {
	return loginPath + "?" + url.Values{"request": {id}}.Encode()
}

// AccessTokenType is JWT because a resource server must be able to check tokens without asking the provider.
func (c client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

func (c client) IDTokenLifetime() time.Duration { return tokenLifetime }

// DevMode allows http redirect URIs.
func (c client) DevMode() bool { return true }

func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string { return keepScopes }

func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string { return keepScopes }

func keepScopes(scopes []string) []string { return scopes }

func (c client) IsScopeAllowed(string) bool { return false }

// IDTokenUserinfoClaimsAssertion puts the person's name into the ID token, so that clients need no userinfo call.
func (c client) IDTokenUserinfoClaimsAssertion() bool { return true }

func (c client) ClockSkew() time.Duration { return 0 }
