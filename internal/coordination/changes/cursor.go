package changes

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/cmhf/operator/internal/coordination/access"
)

// position is a place in the feed: the number of an event, and when that event happened. The time tells a feed from another one with the
// same numbers, as a restore from a backup makes it. It is zero where the event itself is not known: at the beginning.
type position struct {
	number int64
	at     time.Time
}

var (
	errCursor     = errors.New("not a cursor of this feed: use next of an earlier answer unchanged, or leave it out")
	errSubscriber = errors.New("the cursor belongs to another subscriber: each takes its own")
)

const (
	cursorVersion = 1
	whoBytes      = 8
	cursorBytes   = 1 + 8 + 8 + whoBytes
)

// encode makes a cursor that only its subscriber can use: the same person or system through the same client. It holds nothing secret and
// is neither sealed nor signed on purpose: whoever makes one up gets to a place in the feed and sees there what they may see anyway. The
// subscriber is in it so that two that share a store of cursors by mistake notice.
func encode(p position, who access.Caller) string {
	raw := []byte{cursorVersion}
	raw = binary.BigEndian.AppendUint64(raw, uint64(p.number))
	micro := int64(0)
	if !p.at.IsZero() {
		micro = p.at.UnixMicro()
	}
	raw = binary.BigEndian.AppendUint64(raw, uint64(micro))
	return base64.RawURLEncoding.EncodeToString(append(raw, subscriber(who)...))
}

func decode(cursor string, who access.Caller) (position, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) != cursorBytes || raw[0] != cursorVersion {
		return position{}, errCursor
	}
	number, micro := int64(binary.BigEndian.Uint64(raw[1:9])), int64(binary.BigEndian.Uint64(raw[9:17]))
	if number < 0 || micro < 0 || number > largest {
		return position{}, errCursor
	}
	if string(raw[17:]) != string(subscriber(who)) {
		return position{}, errSubscriber
	}
	p := position{number: number}
	if micro > 0 {
		p.at = time.UnixMicro(micro).UTC()
	}
	if encode(p, who) != cursor { // the decoder skips line breaks
		return position{}, errCursor
	}
	return p, nil
}

// largest leaves room for sums.
const largest = 1 << 62

func subscriber(who access.Caller) []byte {
	sum := who.Fingerprint()
	return sum[:whoBytes]
}
