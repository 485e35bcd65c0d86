package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"testing"
)

// Ports alone say nothing of where the API server is.
func TestAPIServerAddresses(t *testing.T) {
	for _, test := range []struct{ flags, want, problem string }{
		{"", "[]", ""},
		{"--api-server-cidrs=10.96.0.1/32,192.0.2.0/28", "[{[10.96.0.1/32 192.0.2.0/28] [443 6443]}]", ""},
		{"--api-server-cidrs=10.96.0.1/32 --api-server-ports=443", "[{[10.96.0.1/32] [443]}]", ""},
		{"--api-server-ports=443", "[]", "--api-server-ports"},
	} {
		flags := flag.NewFlagSet("manager", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		o, err := parse(flags, append(required(), strings.Fields(test.flags)...), func(string) string { return "" })
		if (err == nil) != (test.problem == "") || (err != nil && !strings.Contains(err.Error(), test.problem)) {
			t.Errorf("%s: %v", test.flags, err)
		}
		if got := fmt.Sprint(o.settings.APIServer); got != test.want {
			t.Errorf("%s is read as %s, not %s", test.flags, got, test.want)
		}
	}
}

func required() []string {
	return []string{"--coordination-api-image=ghcr.io/cmhf/coordination-api:v1", "--dashboard-image=ghcr.io/cmhf/dashboard:v1",
		"--postgres-image=ghcr.io/cmhf/postgres:v1", "--namespace=cmhf-system"}
}

func TestRegistryIsChecked(t *testing.T) {
	for registry, want := range map[string]string{
		"": "", "mirror.example.org:5000/nhs": "", "https://mirror.example.org": "--registry", "mirror": "--registry",
	} {
		flags := flag.NewFlagSet("manager", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		o, err := parse(flags, append(required(), "--registry="+registry, "--image-pull-secret=mirror"), func(string) string { return "" })
		if (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("--registry=%s: %v", registry, err)
		}
		if o.settings.Registry != registry || o.settings.PullSecret != "mirror" {
			t.Errorf("--registry=%s is read as %q, the Secret as %q", registry, o.settings.Registry, o.settings.PullSecret)
		}
	}
}
