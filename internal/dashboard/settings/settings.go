// Package settings reads the dashboard's settings from the environment.
//
// It checks everything that can be checked without the network and reports all that is wrong at once, naming each variable
// and how to mend it. It never repeats the value of a secret.
package settings

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// SessionKeySize is the size in bytes of the key that seals session cookies.
const SessionKeySize = 32

// Settings of one dashboard: one ICS, one coordination API, one identity provider.
type Settings struct {
	Listen         string // public address, host:port
	InternalListen string // health and metrics, host:port
	ODSCode        string // upper-case ODS code of the ICS
	ICSName        string
	APIURL         *url.URL // base address of the coordination API
	OIDCIssuer     string
	OIDCClientID   string
	PublicURL      *url.URL // where browsers reach the dashboard; no path
	SessionKey     []byte   // SessionKeySize bytes
	// OtherSessionKey opens sessions too and seals none: the next or the previous key while keys are replaced; nil without one.
	OtherSessionKey []byte
	LogLevel        slog.Level
	// ReadOnly says on every page that records can't be changed at present.
	ReadOnly bool
}

var odsCode = regexp.MustCompile(`^[A-Z0-9]{3}([A-Z0-9]{2})?$`)

// FromEnvironment reads the settings; getenv is os.Getenv outside tests.
func FromEnvironment(getenv func(string) string) (Settings, error) {
	r := reader{getenv: getenv}
	s := Settings{
		Listen:          r.optional("CMHF_LISTEN", ":8080"),
		InternalListen:  r.optional("CMHF_INTERNAL_LISTEN", ":8081"),
		ODSCode:         r.required("CMHF_ODS_CODE", "set it to the ICS's ODS code, such as QOP"),
		ICSName:         r.required("CMHF_ICS_NAME", "set it to the name of the ICS as readers know it"),
		APIURL:          r.address("CMHF_API_URL", "set it to the coordination API's base address, such as http://coordination-api:8080"),
		OIDCIssuer:      r.secureAddress("CMHF_OIDC_ISSUER", "set it to the identity provider's issuer address").String(),
		OIDCClientID:    r.required("CMHF_OIDC_CLIENT_ID", "set it to the client that the identity provider knows the dashboard by, such as cmhf-qop"),
		PublicURL:       r.secureAddress("CMHF_PUBLIC_URL", "set it to the address that browsers use for the dashboard"),
		SessionKey:      r.key("CMHF_SESSION_KEY_FILE"),
		OtherSessionKey: r.optionalKey("CMHF_SESSION_OTHER_KEY_FILE"),
		LogLevel:        r.level("CMHF_LOG_LEVEL"),
		ReadOnly:        r.yesNo("CMHF_READ_ONLY"),
	}
	if s.ODSCode != "" && !odsCode.MatchString(s.ODSCode) {
		r.fault("CMHF_ODS_CODE", fmt.Sprintf("%q is not an ODS code: use 3 or 5 upper-case letters and digits", s.ODSCode))
	}
	if p := s.PublicURL; (p.Path != "" && p.Path != "/") || p.RawQuery != "" {
		r.fault("CMHF_PUBLIC_URL", "leave out the path: the dashboard answers at the root of its host")
	}
	s.PublicURL.Path = ""
	return s, errors.Join(r.faults...)
}

type reader struct {
	getenv func(string) string
	faults []error
}

func (r *reader) fault(name, what string) {
	r.faults = append(r.faults, fmt.Errorf("%s: %s", name, what))
}

func (r *reader) optional(name, fallback string) string {
	if v := r.getenv(name); v != "" {
		return v
	}
	return fallback
}

func (r *reader) required(name, mend string) string {
	v := r.getenv(name)
	if v == "" {
		r.fault(name, "is not set; "+mend)
	}
	return v
}

// address reads an http or https address. After a fault it returns an empty one, so that the other settings are still checked.
func (r *reader) address(name, mend string) *url.URL {
	v := r.required(name, mend)
	if v == "" {
		return &url.URL{}
	}
	u, err := url.Parse(v)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.Fragment != "" {
		r.fault(name, "is not an http or https address without user name and fragment; "+mend)
		return &url.URL{}
	}
	return u
}

// secureAddress reads an address that tokens or session cookies travel to: https, or http on a *.localhost name, which
// browsers treat as secure and which never leaves the machine or the development cluster.
func (r *reader) secureAddress(name, mend string) *url.URL {
	u := r.address(name, mend)
	host := u.Hostname()
	if u.Scheme == "http" && host != "localhost" && !strings.HasSuffix(host, ".localhost") {
		r.fault(name, "must begin with https:// (http:// is for names ending in .localhost only), because sign-in must not cross a network in the clear")
		return &url.URL{}
	}
	return u
}

func (r *reader) key(name string) []byte {
	mend := fmt.Sprintf("make one with: openssl rand -base64 %d", SessionKeySize)
	path := r.required(name, "set it to a file that holds the session key; "+mend)
	if path == "" {
		return nil
	}
	return r.readKey(name, path, mend)
}

// optionalKey reads a key whose variable or file may be missing.
func (r *reader) optionalKey(name string) []byte {
	path := r.getenv(name)
	if path == "" {
		return nil
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return r.readKey(name, path, "leave it away outside a rotation")
}

func (r *reader) readKey(name, path, mend string) []byte {
	content, err := os.ReadFile(path)
	if err != nil {
		r.fault(name, fmt.Sprintf("cannot read the session key: %v; mount the Secret that holds it", err))
		return nil
	}
	if len(content) == SessionKeySize {
		return content
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(content)))
	if err != nil || len(key) != SessionKeySize {
		r.fault(name, fmt.Sprintf("%s does not hold %d bytes, raw or in base64; %s", path, SessionKeySize, mend))
		return nil
	}
	return key
}

func (r *reader) level(name string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(r.optional(name, "info"))); err != nil {
		r.fault(name, "is not a log level: use debug, info, warn or error")
	}
	return l
}

func (r *reader) yesNo(name string) bool {
	yes, err := strconv.ParseBool(r.optional(name, "false"))
	if err != nil {
		r.fault(name, "use true or false")
	}
	return yes
}
