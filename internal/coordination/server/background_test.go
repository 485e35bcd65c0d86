package server

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cmhf/operator/internal/coordination/schema"
)

func ours(context.Context) error { return nil }

// Hourly work is done at the start and in every hour, also after a failure: old keys, for one, are looked for in every hour there is.
func TestHourlyWorkIsDoneInEveryHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		runs, hours := 0, map[time.Time]bool{}
		go hourly(ctx, ours, "keys", func(context.Context) (int64, error) {
			runs++
			hours[time.Now().Truncate(time.Hour)] = true
			return 1, context.DeadlineExceeded
		})
		time.Sleep(3*time.Hour + time.Minute)
		synctest.Wait()
		if runs != 4 {
			t.Errorf("done %d times in the first three hours, want 4", runs)
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if len(hours) != 28 {
			t.Errorf("done in %d hours of 28", len(hours))
		}
	})
}

// Nothing is done in another system's database, whenever it takes the place of the own one; it goes on soon after that is back.
func TestHourlyWorkKeepsToTheOwnDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		holder := schema.ErrAnotherHolder
		runs := 0
		go hourly(ctx, func(context.Context) error { return holder }, "keys", func(context.Context) (int64, error) { runs++; return 0, nil })
		for _, step := range []struct {
			holder error
			want   int
		}{{schema.ErrAnotherHolder, 0}, {nil, 1}, {schema.ErrAnotherHolder, 1}, {nil, 2}} {
			if holder = step.holder; holder == nil {
				time.Sleep(2 * askAgain)
			} else {
				time.Sleep(3*time.Hour + time.Minute)
			}
			synctest.Wait()
			if runs != step.want {
				t.Fatalf("done %d times, want %d", runs, step.want)
			}
		}
	})
}

func TestHourlyWorkEndsWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			hourly(ctx, func(context.Context) error { return schema.ErrAnotherHolder }, "keys", nil)
		}()
		time.Sleep(time.Minute)
		cancel()
		<-ended
	})
}
