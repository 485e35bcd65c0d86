package operatorapi

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/cmhf/operator/internal/directory"
)

// TokenFile holds the tenant's token. The file is read at each call, so a rotated Secret counts as soon as it is mounted.
type TokenFile struct {
	Path string
}

// Check reads the file once, to find a wrong path at start.
func (t *TokenFile) Check() error {
	_, err := t.read()
	return err
}

func (t *TokenFile) read() ([]byte, error) {
	raw, err := os.ReadFile(t.Path)
	if err != nil {
		return nil, fmt.Errorf("reading the operator's token: %w", err)
	}
	if token := bytes.TrimSpace(raw); len(token) > 0 {
		return token, nil
	}
	return nil, errors.New("the file with the operator's token is empty")
}

// sentToken gives the token that a request carries: as a bearer token, or in directory.TokenHeader.
func sentToken(r *http.Request) string {
	if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		return token
	}
	return r.Header.Get(directory.TokenHeader)
}

// Matches compares what was sent with the token in constant time.
func (t *TokenFile) Matches(sent string) (bool, error) {
	token, err := t.read()
	if err != nil {
		return false, err
	}
	want, got := sha256.Sum256(token), sha256.Sum256([]byte(sent))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1, nil
}
