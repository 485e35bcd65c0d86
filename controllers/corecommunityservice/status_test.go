package corecommunityservice

import (
	"testing"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/directory"
)

// That the API has yet to commit a declaration may wait, where nothing else was told of this generation; a refusal never does.
func TestNewsThatMayWait(t *testing.T) {
	made := core("east", "Harbour")
	made.Generation = 1
	entered := entry(ics(), &made)
	entries := directory.Directory{Services: []directory.Service{entered}}
	accepted := verdict{accepted: true, reason: v1alpha1.ReasonAccepted}
	waits := outcome{verdicts: map[string]verdict{"east": accepted}, directory: entries}
	registered := waits
	registered.committed = &directory.Committed{Services: map[string]string{"east": entered.Digest()}}
	lost := waits
	lost.committed = &directory.Committed{}
	refused := outcome{verdicts: map[string]verdict{"east": {reason: v1alpha1.ReasonOverlap}}, directory: entries}
	for name, c := range map[string]struct {
		before *outcome
		anew   bool
		after  outcome
		want   bool
	}{
		"it waits for the API":           {nil, false, waits, true},
		"declared anew, it waits":        {&registered, true, waits, true},
		"it is registered":               {&waits, false, registered, false},
		"it is no longer registered":     {&registered, false, lost, false},
		"it is refused":                  {nil, false, refused, false},
		"no longer refused, it waits":    {&refused, true, waits, false},
		"refused, the last one goes on":  {&registered, true, refused, false},
		"it was never refused and still": {&waits, true, waits, true},
	} {
		before := made.DeepCopy()
		if c.before != nil {
			computeStatus(before, *c.before)
		}
		after := before.DeepCopy()
		if c.anew {
			after.Generation++
		}
		computeStatus(after, c.after)
		if got := mayWait(before, after); got != c.want {
			t.Errorf("%s: may wait is %t, want %t", name, got, c.want)
		}
	}
}
