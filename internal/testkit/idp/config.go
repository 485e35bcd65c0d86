package idp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
)

// Config lists who may sign in and which clients may ask for tokens.
type Config struct {
	Clients []ClientConfig `json:"clients"`
	Users   []UserConfig   `json:"users"`
}

// ClientConfig is one OAuth client.
type ClientConfig struct {
	ID string `json:"id"`
	// Secret makes the client confidential. Without one it is public and must use PKCE with S256.
	Secret       string   `json:"secret,omitempty"`
	RedirectURIs []string `json:"redirectURIs,omitempty"`
	// GrantTypes are authorization_code, refresh_token and client_credentials.
	GrantTypes []string `json:"grantTypes"`
	// Audience of the client's access tokens; the client's own id is always added.
	Audience []string `json:"audience,omitempty"`
	// Claims of tokens that the client gets for itself (client_credentials).
	Claims map[string]any `json:"claims,omitempty"`
}

// UserConfig is one person who can sign in.
type UserConfig struct {
	Username string `json:"username"`
	Password string `json:"password"`
	// Name is shown to people and travels in the name claim.
	Name string `json:"name"`
	// Claims are added to the person's access tokens.
	Claims map[string]any `json:"claims,omitempty"`
}

const (
	grantCode              = "authorization_code"
	grantRefresh           = "refresh_token"
	grantClientCredentials = "client_credentials"
)

// registeredClaims belong to the provider; a configured claim of the same name would be dropped silently.
var registeredClaims = []string{"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "azp", "scope"}

// ParseConfig reads the JSON configuration and refuses unknown fields and settings that cannot work.
func ParseConfig(raw []byte) (Config, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	var c Config
	if err := decoder.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("decoding identity provider configuration: %w", err)
	}
	if err := c.validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

func (c Config) validate() error {
	var errs []error
	seen := map[string]bool{}
	for i, client := range c.Clients {
		where := fmt.Sprintf("clients[%d]", i)
		if client.ID == "" {
			errs = append(errs, fmt.Errorf("%s.id is empty: give the client an id", where))
		}
		if seen["client "+client.ID] {
			errs = append(errs, fmt.Errorf("%s.id %q is used twice", where, client.ID))
		}
		seen["client "+client.ID] = true
		errs = append(errs, client.validate(where)...)
	}
	for i, user := range c.Users {
		where := fmt.Sprintf("users[%d]", i)
		if user.Username == "" || user.Password == "" {
			errs = append(errs, fmt.Errorf("%s needs both username and password", where))
		}
		if seen["user "+user.Username] {
			errs = append(errs, fmt.Errorf("%s.username is used twice", where))
		}
		seen["user "+user.Username] = true
		errs = append(errs, validateClaims(where, user.Claims)...)
	}
	return errors.Join(errs...)
}

func (c ClientConfig) validate(where string) []error {
	var errs []error
	if len(c.GrantTypes) == 0 {
		errs = append(errs, fmt.Errorf("%s.grantTypes is empty: list %s, %s or %s", where, grantCode, grantRefresh, grantClientCredentials))
	}
	for _, grant := range c.GrantTypes {
		if !slices.Contains([]string{grantCode, grantRefresh, grantClientCredentials}, grant) {
			errs = append(errs, fmt.Errorf("%s.grantTypes has %q: use %s, %s or %s", where, grant, grantCode, grantRefresh, grantClientCredentials))
		}
	}
	if slices.Contains(c.GrantTypes, grantClientCredentials) && c.Secret == "" {
		errs = append(errs, fmt.Errorf("%s.secret is empty: %s needs one", where, grantClientCredentials))
	}
	if slices.Contains(c.GrantTypes, grantCode) && len(c.RedirectURIs) == 0 {
		errs = append(errs, fmt.Errorf("%s.redirectURIs is empty: %s needs at least one", where, grantCode))
	}
	for _, raw := range c.RedirectURIs {
		if u, err := url.Parse(raw); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			errs = append(errs, fmt.Errorf("%s.redirectURIs has %q: use an absolute http or https URL", where, raw))
		}
	}
	return append(errs, validateClaims(where, c.Claims)...)
}

func validateClaims(where string, claims map[string]any) []error {
	var errs []error
	for name := range claims {
		if slices.Contains(registeredClaims, name) {
			errs = append(errs, fmt.Errorf("%s.claims sets %q, which the provider sets itself", where, name))
		}
	}
	return errs
}
