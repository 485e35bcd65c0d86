package audit

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// Row is one entry of the audit trail, with every column of audit_events: what is not here is not sealed.
type Row struct {
	ID         int64
	At         time.Time
	RequestID  string
	Subject    string
	Client     string
	Role       string
	Services   []uuid.UUID
	Purpose    string
	Operation  string
	Outcome    string
	Problem    *string
	PersonID   *uuid.UUID
	ResourceID *uuid.UUID
	// Organisation is that outside the directory on whose behalf the subject acted.
	Organisation *string
}

// format is the version of the encoding of rows and batches. Batches of format 1 were sealed before rows had an organisation; a row without
// one is encoded as it was then, so they are verified by the same encoding, which tells when one was added since.
const (
	format       = 2
	oldestFormat = 1
)

// Encode appends the row's canonical form. No two rows share one: fields stand in a fixed order, those of variable length after their
// length, those that may be absent after a mark; the last is left out when absent. Times count to the microsecond, as in the database.
func Encode(to []byte, r Row) []byte {
	to = binary.BigEndian.AppendUint64(to, uint64(r.ID))
	to = binary.BigEndian.AppendUint64(to, uint64(r.At.UnixMicro()))
	for _, text := range []string{r.RequestID, r.Subject, r.Client, r.Role} {
		to = appendText(to, text)
	}
	to = binary.BigEndian.AppendUint32(to, uint32(len(r.Services)))
	for _, service := range r.Services {
		to = append(to, service[:]...)
	}
	for _, text := range []string{r.Purpose, r.Operation, r.Outcome} {
		to = appendText(to, text)
	}
	if r.Problem == nil {
		to = append(to, 0)
	} else {
		to = appendText(append(to, 1), *r.Problem)
	}
	for _, id := range []*uuid.UUID{r.PersonID, r.ResourceID} {
		if id == nil {
			to = append(to, 0)
		} else {
			to = append(append(to, 1), id[:]...)
		}
	}
	if r.Organisation != nil {
		to = appendText(to, *r.Organisation)
	}
	return to
}

func appendText(to []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(to, uint32(len(text))), text...)
}
