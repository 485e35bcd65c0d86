package server_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The commands in docs/api/README.md work as they stand there.
func TestReadmeScript(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("this test runs the documentation's commands and needs curl: `apt-get install -y curl`")
	}
	raw, err := os.ReadFile(readmePath)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(raw), "<!-- begin script -->\n```sh\n")
	script, _, foundEnd := strings.Cut(rest, "```\n<!-- end script -->")
	if !found || !foundEnd {
		t.Fatal("docs/api/README.md lacks its script")
	}
	s := startWithDirectory(t)
	command := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	command.Env = append(os.Environ(), "API="+s.public, "TOKEN="+s.as("service-lead", "north").token, "no_proxy=*")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"/problems/closure-incomplete", `"state":"Closed"`, `"howToReturn":"Call the service or tell the GP"`, `"operation":"closeEpisode"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the output lacks %s:\n%s", want, out)
		}
	}
}
