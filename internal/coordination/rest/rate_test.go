package rest

import (
	"fmt"
	"testing"
	"time"

	"github.com/cmhf/operator/internal/coordination/access"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	l := newLimiter(0.5, 100)
	now := time.Now()
	one, other := access.Caller{Subject: "one", Client: "c"}, access.Caller{Subject: "on", Client: "ec"}
	if _, ok := l.allow(one, now); !ok {
		t.Fatal("the first request was refused")
	}
	if after, ok := l.allow(one, now); ok || after != 2 {
		t.Errorf("the second at once: %v, try again after %d s; want refused and 2", ok, after)
	}
	for _, c := range []access.Caller{other, {Subject: "one", Client: "d"}} {
		if _, ok := l.allow(c, now); !ok {
			t.Errorf("%v was refused for another's requests", c)
		}
	}
	if _, ok := l.allow(one, now.Add(1900*time.Millisecond)); ok {
		t.Error("a request was let through before its time")
	}
	if _, ok := l.allow(one, now.Add(2*time.Second)); !ok {
		t.Error("a request was refused at the time that was told")
	}
	if _, ok := (*limiter)(nil).allow(one, now); !ok || newLimiter(0, 1) != nil {
		t.Error("a rate of zero limits")
	}
}

// However many callers come, no more than the bound are remembered, and those who keep coming stay limited.
func TestLimiterMemory(t *testing.T) {
	t.Parallel()
	l := newLimiter(1, 10)
	now := time.Now()
	busy := access.Caller{Subject: "busy"}
	refused := 0
	for i := range 1000 {
		l.allow(access.Caller{Subject: fmt.Sprint(i)}, now)
		if _, ok := l.allow(busy, now); !ok {
			refused++
		}
	}
	if len(l.callers) != 10 || l.recent.Len() != 10 {
		t.Errorf("%d callers are remembered, want 10", len(l.callers))
	}
	if refused != 998 {
		t.Errorf("the busy caller was refused %d times of 1000, want all but the burst of 2", refused)
	}
}
