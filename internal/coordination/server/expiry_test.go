package server

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// No key goes before records could be changed for as long as a key is promised to be kept; from then on old ones go every hour,
// also after a failure.
func TestKeysAreKeptForADayOfWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		began, runs := time.Now(), 0
		go expireKeys(ctx, func(context.Context) error {
			if after := time.Since(began); after < 24*time.Hour {
				t.Errorf("keys were removed %s after the start", after)
			}
			runs++
			return context.DeadlineExceeded
		})
		time.Sleep(27*time.Hour + time.Minute)
		synctest.Wait()
		if runs != 4 {
			t.Errorf("keys were removed %d times in the first 27 hours, want 4: after 24 hours, and then every hour", runs)
		}
	})
}
