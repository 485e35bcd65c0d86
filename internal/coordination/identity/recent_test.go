package identity

import (
	"fmt"
	"testing"
	"time"

	"github.com/cmhf/operator/internal/coordination/access"
)

func TestRecent(t *testing.T) {
	t.Parallel()
	r, now := &recent{}, time.Now()
	caller := access.Caller{Subject: "s", Roles: []access.Role{access.Practitioner}, Services: []string{"north"}}
	r.remember("long", caller, now.Add(time.Hour), now)
	r.remember("short", caller, now.Add(10*time.Second), now)
	for name, test := range map[string]struct {
		token string
		after time.Duration
		want  bool
	}{
		"at once":                   {"long", 0, true},
		"within the minute":         {"long", recheckAfter - 1, true},
		"after a minute":            {"long", recheckAfter, false},
		"another token":             {"lonG", 0, false},
		"expired, within the skew":  {"short", 10*time.Second + skew, true},
		"expired, beyond the skew":  {"short", 10*time.Second + skew + 1, false},
		"nothing that is no token ": {"", 0, false},
	} {
		if got, ok := r.find(test.token, now.Add(test.after)); ok != test.want || ok && got.Subject != "s" {
			t.Errorf("%s: found %v, want %v", name, ok, test.want)
		}
	}
	got, _ := r.find("long", now)
	got.Services[0], got.Roles[0] = "south", access.Auditor
	caller.Services[0] = "east"
	if again, _ := r.find("long", now); again.Services[0] != "north" || again.Roles[0] != access.Practitioner {
		t.Errorf("what a request does to its caller reaches the next one: %+v", again)
	}
	for i := range 5 * mostRecent {
		r.remember(fmt.Sprint(i), caller, now.Add(time.Hour), now)
	}
	if n := len(r.newer) + len(r.older); n > 2*mostRecent {
		t.Errorf("%d tokens are remembered", n)
	}
	if _, ok := r.find(fmt.Sprint(5*mostRecent-1), now); !ok {
		t.Error("the newest token is forgotten")
	}
}
