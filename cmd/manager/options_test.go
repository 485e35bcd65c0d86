package main

import (
	"flag"
	"io"
	"strings"
	"testing"
)

func TestRegistryIsChecked(t *testing.T) {
	required := []string{"--coordination-api-image=ghcr.io/cmhf/coordination-api:v1", "--dashboard-image=ghcr.io/cmhf/dashboard:v1",
		"--postgres-image=ghcr.io/cmhf/postgres:v1", "--namespace=cmhf-system"}
	for registry, want := range map[string]string{
		"": "", "mirror.example.org:5000/nhs": "", "https://mirror.example.org": "--registry", "mirror": "--registry",
	} {
		flags := flag.NewFlagSet("manager", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		o, err := parse(flags, append(required, "--registry="+registry, "--image-pull-secret=mirror"), func(string) string { return "" })
		if (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("--registry=%s: %v", registry, err)
		}
		if o.settings.Registry != registry || o.settings.PullSecret != "mirror" {
			t.Errorf("--registry=%s is read as %q, the Secret as %q", registry, o.settings.Registry, o.settings.PullSecret)
		}
	}
}
