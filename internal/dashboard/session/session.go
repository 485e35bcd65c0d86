// Package session keeps what the dashboard must remember about a browser in sealed cookies, so that any replica can answer
// any request and nothing is stored on the server.
//
// A cookie is JSON sealed with AES-256-GCM; the cookie's name is bound into the seal, so one kind of cookie never passes for
// another. Names begin with __Host-: browsers then insist on a secure connection, this host alone and the whole path.
// The package knows nothing of OpenID Connect or of pages.
package session

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// maxCookie is what browsers keep of one cookie: name, value and attributes together (RFC 6265, section 6.1).
const maxCookie = 4096

// ErrTooLarge is returned when a value would make a cookie that browsers drop without a word.
var ErrTooLarge = errors.New("the sealed cookie is larger than browsers keep")

// ErrNone is returned when there is no cookie that this key sealed.
var ErrNone = errors.New("no valid cookie")

// Jar seals and opens cookies with one key.
type Jar struct{ seal cipher.AEAD }

// NewJar makes a jar from a 32-byte key.
func NewJar(key []byte) (*Jar, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("use the session key: %w", err)
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("prepare sealing of cookies: %w", err)
	}
	return &Jar{seal: seal}, nil
}

// Set seals value into a cookie that lasts as long as the browser is open, or for life if that is not 0.
func (j *Jar) Set(w http.ResponseWriter, name string, value any, life time.Duration) error {
	plain, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode cookie %s: %w", name, err)
	}
	c := cookie(name)
	c.Value = base64.RawURLEncoding.EncodeToString(j.seal.Seal(nil, nil, plain, []byte(name)))
	c.MaxAge = int(life.Seconds())
	if size := len(c.String()); size > maxCookie {
		return fmt.Errorf("set cookie %s of %d bytes: %w", name, size, ErrTooLarge)
	}
	http.SetCookie(w, c)
	return nil
}

// Get opens the named cookie into value. Every way in which there is none is ErrNone: absent, altered, or sealed with another key.
func (j *Jar) Get(r *http.Request, name string, value any) error {
	c, err := r.Cookie(name)
	if err != nil {
		return ErrNone
	}
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return ErrNone
	}
	plain, err := j.seal.Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return ErrNone
	}
	if err := json.Unmarshal(plain, value); err != nil {
		return ErrNone
	}
	return nil
}

// Clear tells the browser to forget the named cookie.
func (j *Jar) Clear(w http.ResponseWriter, name string) {
	c := cookie(name)
	c.MaxAge = -1
	http.SetCookie(w, c)
}

// cookie has the attributes that every cookie shares. SameSite is Lax, not Strict: the return from the identity provider is a
// navigation from another site and must carry the cookies.
func cookie(name string) *http.Cookie {
	return &http.Cookie{Name: name, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}
