package idp

import (
	"context"
	"errors"
	"maps"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

func grantOf(request op.TokenRequest) (grant, error) {
	switch r := request.(type) {
	case *authRequest:
		return r.grant, nil
	case *refreshRequest:
		return r.grant, nil
	case *grant:
		return *r, nil
	}
	return grant{}, oidc.ErrUnsupportedGrantType()
}

func (s *storage) CreateAccessToken(_ context.Context, request op.TokenRequest) (string, time.Time, error) {
	g, err := grantOf(request)
	if err != nil {
		return "", time.Time{}, err
	}
	id := uuid.NewString()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access[id] = g
	return id, time.Now().Add(tokenLifetime), nil
}

func (s *storage) CreateAccessAndRefreshTokens(ctx context.Context, request op.TokenRequest, current string) (string, string, time.Time, error) {
	id, expires, err := s.CreateAccessToken(ctx, request)
	if err != nil {
		return "", "", time.Time{}, err
	}
	g, err := grantOf(request)
	if err != nil {
		return "", "", time.Time{}, err
	}
	next := uuid.NewString()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.refresh, current) // rotated: each refresh token works once
	s.refresh[next] = refreshToken{grant: g, expires: time.Now().Add(refreshLifetime)}
	return id, next, expires, nil
}

func (s *storage) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.refresh[token]
	if !ok || time.Now().After(found.expires) {
		return nil, errors.New("refresh token is unknown, expired or used")
	}
	return &refreshRequest{found.grant}, nil
}

func (s *storage) GetRefreshTokenInfo(_ context.Context, clientID, token string) (string, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.refresh[token]
	if !ok || found.clientID != clientID {
		return "", "", op.ErrInvalidRefreshToken
	}
	return found.subject, token, nil
}

func (s *storage) RevokeToken(_ context.Context, token, _, clientID string) *oidc.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found, ok := s.refresh[token]; ok && found.clientID == clientID {
		delete(s.refresh, token)
	}
	if found, ok := s.access[token]; ok && found.clientID == clientID {
		delete(s.access, token)
	}
	return nil
}

// TerminateSession ends what the person holds through that client. The browser's session is ended by the handler.
func (s *storage) TerminateSession(_ context.Context, subject, clientID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.refresh, func(_ string, t refreshToken) bool { return t.subject == subject && t.clientID == clientID })
	maps.DeleteFunc(s.access, func(_ string, g grant) bool { return g.subject == subject && g.clientID == clientID })
	return nil
}

// GetPrivateClaimsFromRequest adds the configured claims to an access token.
func (s *storage) GetPrivateClaimsFromRequest(_ context.Context, request op.TokenRequest, _ []string) (map[string]any, error) {
	g, err := grantOf(request)
	if err != nil {
		return nil, err
	}
	claims := map[string]any{"azp": g.clientID}
	if user, ok := s.users[g.subject]; ok {
		maps.Copy(claims, user.Claims)
		claims["name"] = user.Name
		return claims, nil
	}
	maps.Copy(claims, s.clients[g.clientID].Claims)
	return claims, nil
}

// SetUserinfoFromScopes fills the ID token.
func (s *storage) SetUserinfoFromScopes(_ context.Context, info *oidc.UserInfo, subject, _ string, _ []string) error {
	info.Subject = subject
	if user, ok := s.users[subject]; ok {
		info.Name = user.Name
		info.PreferredUsername = user.Username
	}
	return nil
}

func (s *storage) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, tokenID, subject, _ string) error {
	s.mu.Lock()
	g, ok := s.access[tokenID]
	s.mu.Unlock()
	if !ok {
		return errors.New("token is unknown or was revoked")
	}
	return s.SetUserinfoFromScopes(ctx, info, subject, g.clientID, g.scopes)
}

var errNotOffered = errors.New("not offered by this provider: check tokens by their signature")

func (s *storage) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errNotOffered
}

func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errNotOffered
}

func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errNotOffered
}

// GetPrivateClaimsFromScopes is required by the library and never called beside GetPrivateClaimsFromRequest.
func (s *storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, errNotOffered
}
