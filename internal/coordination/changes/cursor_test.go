package changes

import (
	"errors"
	"testing"
	"time"

	"github.com/cmhf/operator/internal/coordination/access"
)

func TestCursor(t *testing.T) {
	t.Parallel()
	who := access.Caller{Subject: "s", Client: "c"}
	for _, want := range []position{{}, {number: 7, at: time.UnixMicro(1_800_000_000_123_456).UTC()}, {number: 3}} {
		got, err := decode(encode(want, who), who)
		if err != nil || got != want {
			t.Errorf("%v became %v, %v", want, got, err)
		}
	}
	for _, other := range []access.Caller{{Subject: "s"}, {Subject: "sc"}, {Subject: "c", Client: "s"}, {}} {
		if _, err := decode(encode(position{number: 1}, who), other); !errors.Is(err, errSubscriber) {
			t.Errorf("another subscriber: %v", err)
		}
	}
	for _, cursor := range []string{"", "x", "latest", encode(position{number: -1}, who), encode(position{number: 1 << 62, at: time.Now()}, who) + "A"} {
		if _, err := decode(cursor, who); !errors.Is(err, errCursor) {
			t.Errorf("%q: %v", cursor, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	who := access.Caller{Subject: "s", Client: "c"}
	f.Add(encode(position{number: 1, at: time.UnixMicro(1)}, who))
	f.Fuzz(func(t *testing.T, cursor string) {
		if p, err := decode(cursor, who); err == nil && encode(p, who) != cursor {
			t.Fatalf("%q decodes to %v, which encodes otherwise", cursor, p)
		}
	})
}
