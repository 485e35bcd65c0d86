// Package page encodes the position in a list that is ordered by time and id, newest first, as an opaque cursor.
package page

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Position is the last row of a page.
type Position struct {
	At time.Time
	ID uuid.UUID
}

// ErrInvalid says that a cursor did not come from this API.
var ErrInvalid = errors.New("not a cursor of this API: use next of an earlier answer unchanged, or leave it out")

// version lets the encoding change: an unknown one is refused.
const version = 1

const size = 1 + 8 + 16

// Encode gives the cursor that continues after the position. Times are kept to the microsecond, as the database does.
func Encode(p Position) string {
	raw := make([]byte, 0, size)
	raw = append(raw, version)
	raw = binary.BigEndian.AppendUint64(raw, uint64(p.At.UnixMicro()))
	raw = append(raw, p.ID[:]...)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Decode reads a cursor. The empty cursor is the start: a position after every row.
func Decode(cursor string) (Position, error) {
	if cursor == "" {
		return Position{At: time.UnixMicro(latest).UTC(), ID: uuid.Max}, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) != size || raw[0] != version {
		return Position{}, ErrInvalid
	}
	at := int64(binary.BigEndian.Uint64(raw[1:9]))
	if at < 0 || at > latest {
		return Position{}, ErrInvalid
	}
	position := Position{At: time.UnixMicro(at).UTC(), ID: uuid.UUID(raw[9:])}
	if Encode(position) != cursor { // the decoder skips line breaks
		return Position{}, ErrInvalid
	}
	return position, nil
}

// latest is the year 9999 in microseconds since 1970: beyond every record and within what the database can store.
const latest = 253370764800000000
