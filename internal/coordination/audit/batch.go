package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Hash is a SHA-256 sum.
type Hash [sha256.Size]byte

// Batch is one sealed stretch of the trail: all rows with ids from FirstID to LastID. Its hash covers the rows and the batch before.
type Batch struct {
	Number       int64
	Format       int16
	FirstID      int64
	LastID       int64
	RowCount     int64
	RowsHash     Hash
	PreviousHash Hash
	Hash         Hash
	SealedAt     time.Time
}

// Seal makes the batch that follows previous, which is the zero batch for the first one. There must be rows, in the order of their ids.
func Seal(previous Batch, rows []Row, at time.Time) Batch {
	b := Batch{
		Number: previous.Number + 1, Format: format, FirstID: previous.LastID + 1, LastID: rows[len(rows)-1].ID, RowCount: int64(len(rows)),
		RowsHash: hashRows(rows), PreviousHash: previous.Hash, SealedAt: at.UTC().Truncate(time.Microsecond),
	}
	b.Hash = b.digest()
	return b
}

func hashRows(rows []Row) Hash {
	sum := sha256.New()
	var encoded []byte
	for _, r := range rows {
		encoded = Encode(append(encoded[:0], 0, 0, 0, 0), r)
		binary.BigEndian.PutUint32(encoded, uint32(len(encoded)-4))
		sum.Write(encoded)
	}
	return Hash(sum.Sum(nil))
}

// digest is what the batch's hash must be.
func (b Batch) digest() Hash {
	raw := []byte("cmhf audit batch\x00")
	raw = binary.BigEndian.AppendUint16(raw, uint16(b.Format))
	for _, n := range []int64{b.Number, b.FirstID, b.LastID, b.RowCount, b.SealedAt.UnixMicro()} {
		raw = binary.BigEndian.AppendUint64(raw, uint64(n))
	}
	raw = append(raw, b.RowsHash[:]...)
	raw = append(raw, b.PreviousHash[:]...)
	return sha256.Sum256(raw)
}
