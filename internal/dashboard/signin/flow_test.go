package signin_test

import (
	"testing"

	"github.com/cmhf/operator/internal/dashboard/signin"
)

func TestLocalPathRefusesOtherSites(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/at-a-glance":                "/at-a-glance",
		"/services?place=Salford":     "/services?place=Salford",
		"":                            "/",
		"at-a-glance":                 "/",
		"//evil.example":              "/",
		"///evil.example":             "/",
		"/\\evil.example":             "/",
		"/%2F/evil.example":           "/",
		"/\t/evil.example":            "/",
		"https://evil.example/":       "/",
		"https:evil.example":          "/",
		"javascript:alert(1)":         "/",
		"http://user@evil.example":    "/",
		"/auth/sign-in?return=/":      "/",
		"/at-a-glance#//evil.example": "/at-a-glance",
	} {
		if got := signin.LocalPath(target); got != want {
			t.Errorf("%q leads to %q, want %q", target, got, want)
		}
	}
}
