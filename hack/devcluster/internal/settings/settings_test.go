package settings

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	good := Settings{Name: "cmhf-dev", APIPort: 16443, HTTPPort: 8080, State: "/var/lib/x"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for says, change := range map[string]func(*Settings){
		"--name":         func(s *Settings) { s.Name = "../etc" },
		"--api-port":     func(s *Settings) { s.APIPort = 0 },
		"--http-port":    func(s *Settings) { s.HTTPPort = 70000 },
		"both 8080":      func(s *Settings) { s.APIPort = 8080 },
		"serves DNS":     func(s *Settings) { s.HTTPPort = 53 },
		"absolute path":  func(s *Settings) { s.State = "here" },
		"lower case":     func(s *Settings) { s.Name = "Dev" },
		"from 1 to 6553": func(s *Settings) { s.APIPort = -1 },
	} {
		bad := good
		change(&bad)
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want one that says %q", err, says)
		}
	}
}
