// Package session keeps what the dashboard must remember about a browser in sealed cookies, so that any replica can answer
// any request and nothing is stored on the server.
//
// A cookie is JSON sealed with AES-256-GCM; the cookie's name is bound into the seal, so one kind of cookie never passes for
// another. Names begin with __Host-: browsers then insist on a secure connection, this host alone and the whole path. What is
// too long for one cookie is split over two; more would be refused on the way by servers that bound a request's header.
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
	"strings"
	"time"
)

// maxCookie is what browsers keep of one cookie: name, value and attributes together (RFC 6265, section 6.1).
const maxCookie = 4096

// second is added to a cookie's name for the other part of a value that is too long for one, and splitMark begins the first
// part of such a value; it is not in the alphabet of a sealed value.
const (
	second    = "-2"
	splitMark = "."
)

// ErrTooLarge is returned when a value would make cookies that browsers drop without a word.
var ErrTooLarge = errors.New("the sealed value is larger than two cookies hold")

// ErrNone is returned when there is no cookie that a key of the jar sealed.
var ErrNone = errors.New("no valid cookie")

// Jar seals cookies with one key, and opens those that it or another key has sealed.
type Jar struct {
	seal   cipher.AEAD
	others []cipher.AEAD
}

// NewJar makes a jar from the 32-byte key that seals and those that open too: while keys are replaced, replicas that seal with the
// old one and with the new one stand side by side, and each must know everyone who has signed in at the other.
func NewJar(key []byte, others ...[]byte) (*Jar, error) {
	seal, err := newSeal(key)
	if err != nil {
		return nil, err
	}
	j := &Jar{seal: seal}
	for _, other := range others {
		opens, err := newSeal(other)
		if err != nil {
			return nil, err
		}
		j.others = append(j.others, opens)
	}
	return j, nil
}

func newSeal(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("use the session key: %w", err)
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("prepare sealing of cookies: %w", err)
	}
	return seal, nil
}

// open tries the keys one after the other.
func (j *Jar) open(sealed []byte, name string) ([]byte, error) {
	plain, err := j.seal.Open(nil, nil, sealed, []byte(name))
	for _, other := range j.others {
		if err == nil {
			break
		}
		plain, err = other.Open(nil, nil, sealed, []byte(name))
	}
	return plain, err
}

// Set seals value into a cookie that lasts as long as the browser is open, or for life if that is not 0.
func (j *Jar) Set(w http.ResponseWriter, r *http.Request, name string, value any, life time.Duration) error {
	plain, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode cookie %s: %w", name, err)
	}
	c := cookie(name)
	c.Value = base64.RawURLEncoding.EncodeToString(j.seal.Seal(nil, nil, plain, []byte(name)))
	c.MaxAge = int(life.Seconds())
	if excess := len(c.String()) - maxCookie; excess > 0 {
		return setSplit(w, c, excess)
	}
	http.SetCookie(w, c)
	clearIfSent(w, r, name+second)
	return nil
}

// setSplit sets a cookie that is excess bytes too long as two.
func setSplit(w http.ResponseWriter, c *http.Cookie, excess int) error {
	other := *c
	other.Name += second
	keep := len(c.Value) - excess - len(splitMark)
	c.Value, other.Value = splitMark+c.Value[:keep], c.Value[keep:]
	if size := len(other.String()); size > maxCookie {
		return fmt.Errorf("set cookie %s with a second part of %d bytes: %w", c.Name, size, ErrTooLarge)
	}
	http.SetCookie(w, c)
	http.SetCookie(w, &other)
	return nil
}

// Get opens the named cookie into value. Every way in which there is none is ErrNone: absent, altered, or sealed with a key that the jar does not have.
func (j *Jar) Get(r *http.Request, name string, value any) error {
	c, err := r.Cookie(name)
	if err != nil {
		return ErrNone
	}
	text := c.Value
	if first, split := strings.CutPrefix(text, splitMark); split {
		other, err := r.Cookie(name + second)
		if err != nil {
			return ErrNone
		}
		text = first + other.Value
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return ErrNone
	}
	plain, err := j.open(sealed, name)
	if err != nil {
		return ErrNone
	}
	if err := json.Unmarshal(plain, value); err != nil {
		return ErrNone
	}
	return nil
}

// Clear tells the browser to forget the named cookie.
func (j *Jar) Clear(w http.ResponseWriter, r *http.Request, name string) {
	clearIfSent(w, r, name)
	clearIfSent(w, r, name+second)
}

func clearIfSent(w http.ResponseWriter, r *http.Request, name string) {
	if _, err := r.Cookie(name); err != nil {
		return
	}
	c := cookie(name)
	c.MaxAge = -1
	http.SetCookie(w, c)
}

// cookie has the attributes that every cookie shares. SameSite is Lax, not Strict: the return from the identity provider is a
// navigation from another site and must carry the cookies.
func cookie(name string) *http.Cookie {
	return &http.Cookie{Name: name, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}
