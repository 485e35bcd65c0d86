package page_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/page"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	want := page.Position{At: time.Date(2026, 11, 21, 12, 0, 0, 123456000, time.UTC), ID: uuid.New()}
	got, err := page.Decode(page.Encode(want))
	if err != nil || got != want {
		t.Fatalf("got %v, %v", got, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, cursor := range []string{"x", "AA", "AQ==", page.Encode(page.Position{At: time.Now()}) + "A", "_____________________________________w"} {
		if _, err := page.Decode(cursor); err == nil {
			t.Errorf("%q was accepted", cursor)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("")
	f.Add(page.Encode(page.Position{At: time.Unix(1, 0), ID: uuid.New()}))
	f.Fuzz(func(t *testing.T, cursor string) {
		position, err := page.Decode(cursor)
		if err != nil || cursor == "" {
			return
		}
		if again := page.Encode(position); again != cursor {
			t.Fatalf("%q decodes to a position that encodes to %q", cursor, again)
		}
	})
}
