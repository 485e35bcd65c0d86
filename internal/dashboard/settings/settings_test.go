package settings_test

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/dashboard/settings"
)

var key = bytes.Repeat([]byte{0xfe}, settings.SessionKeySize)

func keyFile(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func complete(t *testing.T) map[string]string {
	return map[string]string{
		"CMHF_ODS_CODE":         "QOP",
		"CMHF_ICS_NAME":         "Greater Manchester",
		"CMHF_API_URL":          "http://coordination-api:8080",
		"CMHF_OIDC_ISSUER":      "https://id.example.org/realm",
		"CMHF_OIDC_CLIENT_ID":   "cmhf-qop",
		"CMHF_PUBLIC_URL":       "http://dashboard.ics-qop.cmhf.localhost:8080/",
		"CMHF_SESSION_KEY_FILE": keyFile(t, []byte(base64.StdEncoding.EncodeToString(key)+"\n")),
	}
}

func TestCompleteSettings(t *testing.T) {
	t.Parallel()
	env := complete(t)
	env["CMHF_READ_ONLY"] = "true"
	s, err := settings.FromEnvironment(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.SessionKey, key) {
		t.Error("the base64 key was not decoded")
	}
	if got, want := s.PublicURL.String(), "http://dashboard.ics-qop.cmhf.localhost:8080"; got != want {
		t.Errorf("public URL %q, want %q", got, want)
	}
	if !s.ReadOnly {
		t.Error("CMHF_READ_ONLY was not read")
	}
	if s.Listen != ":8080" || s.InternalListen != ":8081" || s.LogLevel != slog.LevelInfo {
		t.Errorf("defaults: listen %q, internal %q, level %v", s.Listen, s.InternalListen, s.LogLevel)
	}
	env["CMHF_SESSION_KEY_FILE"] = keyFile(t, key)
	if s, err = settings.FromEnvironment(func(name string) string { return env[name] }); err != nil || !bytes.Equal(s.SessionKey, key) {
		t.Errorf("a raw key was not read (error %v)", err)
	}
}

func TestOtherSessionKey(t *testing.T) {
	t.Parallel()
	other := bytes.Repeat([]byte{0x01}, settings.SessionKeySize)
	for file, want := range map[string][]byte{"": nil, "/does/not/exist": nil, keyFile(t, other): other} {
		env := complete(t)
		env["CMHF_SESSION_OTHER_KEY_FILE"] = file
		s, err := settings.FromEnvironment(func(name string) string { return env[name] })
		if err != nil || !bytes.Equal(s.OtherSessionKey, want) || !bytes.Equal(s.SessionKey, key) {
			t.Errorf("%q: the other key has %d bytes, want %d; error %v", file, len(s.OtherSessionKey), len(want), err)
		}
	}
}

func TestFaultsNameTheVariableAndHowToMendIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ variable, value, want string }{
		{"CMHF_ODS_CODE", "", "is not set"},
		{"CMHF_ODS_CODE", "qop", "upper-case"},
		{"CMHF_ICS_NAME", "", "is not set"},
		{"CMHF_API_URL", "coordination-api:8080", "http or https address"},
		{"CMHF_OIDC_ISSUER", "http://id.example.org", "https://"},
		{"CMHF_PUBLIC_URL", "http://dashboard.example.org", "https://"},
		{"CMHF_PUBLIC_URL", "https://example.org/dashboard", "leave out the path"},
		{"CMHF_SESSION_KEY_FILE", "/does/not/exist", "mount the Secret"},
		{"CMHF_SESSION_KEY_FILE", keyFile(t, []byte("too-short-to-be-a-key")), "openssl rand"},
		{"CMHF_SESSION_OTHER_KEY_FILE", keyFile(t, []byte("too-short-to-be-a-key")), "does not hold 32 bytes"},
		{"CMHF_READ_ONLY", "perhaps", "true or false"},
		{"CMHF_LOG_LEVEL", "loud", "debug, info, warn or error"},
	} {
		env := complete(t)
		env[c.variable] = c.value
		_, err := settings.FromEnvironment(func(name string) string { return env[name] })
		if err == nil || !strings.Contains(err.Error(), c.variable+": ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s=%q: error %v, want the variable and %q", c.variable, c.value, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "too-short-to-be-a-key") {
			t.Error("the error repeats the key")
		}
	}
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := settings.FromEnvironment(func(string) string { return "" })
	for name := range complete(t) {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not reported: %v", name, err)
		}
	}
}
