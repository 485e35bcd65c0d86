package integratedcaresystem

import (
	"testing"
	"time"
)

// Tries come ever later, and at least every hour.
func TestDelayOfTheNextTry(t *testing.T) {
	for try, want := range map[int]time.Duration{
		1: time.Minute, 2: 2 * time.Minute, 6: 32 * time.Minute, 7: time.Hour, 8: time.Hour, 1000: time.Hour,
	} {
		if got := retryDelay(try); got != want {
			t.Errorf("after try %d it waits %s, want %s", try, got, want)
		}
	}
}
