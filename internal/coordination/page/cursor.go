// Package page encodes the position in a list that is ordered by time and id, newest first, as an opaque cursor.
package page

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/problem"
)

// Position is the last row of a page.
type Position struct {
	At time.Time
	ID uuid.UUID
}

// ErrInvalid says that a cursor did not come from this API.
var ErrInvalid = errors.New("not a cursor of this API: use next of an earlier answer unchanged, or leave it out")

// Input is embedded in the input of operations that give a list page by page.
type Input struct {
	Cursor string `query:"cursor" maxLength:"64" doc:"next of an earlier answer."`
	Limit  int32  `query:"limit" minimum:"1" maximum:"100" default:"25"`
}

// Start is where the page begins, and how many rows to ask for: one more than is shown, to know whether there is a next page.
func (in Input) Start() (at Position, rows int32, err error) {
	at, err = Decode(in.Cursor)
	if err != nil {
		return Position{}, 0, problem.InvalidField("query.cursor", "%s", err)
	}
	return at, in.Limit + 1, nil
}

// Cut takes what Start asked for and gives the page, and the cursor of the next one if there is any.
func Cut[Row any](in Input, rows []Row, at func(Row) Position) (shown []Row, next string) {
	if len(rows) <= int(in.Limit) {
		return rows, ""
	}
	rows = rows[:in.Limit]
	return rows, Encode(at(rows[len(rows)-1]))
}

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
