package audit

import (
	"fmt"
	"slices"
)

// What a finding says.
const (
	// RowsDiffer: rows of the batch were changed, exchanged, removed or added.
	RowsDiffer = "RowsDiffer"
	// BatchAltered: the batch itself was changed after it was sealed.
	BatchAltered = "BatchAltered"
	// ChainBroken: the batch does not continue the one before.
	ChainBroken = "ChainBroken"
	// Truncated: a head that was exported names a batch that is gone.
	Truncated = "Truncated"
	// HeadDiffers: the batch is not the one that the exported head vouches for.
	HeadDiffers = "HeadDiffers"
	// HeadForged: a head's signature is not that of the key, or it has none.
	HeadForged = "HeadForged"
	// FormatUnknown: the batch was sealed by a newer program.
	FormatUnknown = "FormatUnknown"
)

// Finding is one thing that is wrong with the trail.
type Finding struct {
	Batch  int64  `json:"batch" doc:"Number of the batch."`
	What   string `json:"what" enum:"RowsDiffer,BatchAltered,ChainBroken,Truncated,HeadDiffers,HeadForged,FormatUnknown"`
	Detail string `json:"detail"`
}

// Verification checks one batch after the other, in the order of their numbers.
type Verification struct {
	// Last is the newest batch seen; set it to begin after a batch other than the first.
	Last     Batch
	Batches  int64
	Rows     int64
	Findings []Finding

	// heads that were exported, by the number of their batch.
	heads map[int64][]Head
}

// Expect adds heads that were exported earlier.
func (v *Verification) Expect(heads []Head) {
	if v.heads == nil {
		v.heads = map[int64][]Head{}
	}
	for _, h := range heads {
		v.heads[h.Batch] = append(v.heads[h.Batch], h)
	}
}

// After is the id from which on, exclusively, the rows of the next batch are read. Before the first there is no lower bound.
func (v *Verification) After() int64 {
	if v.Last.Number == 0 {
		return -1 << 63
	}
	return v.Last.LastID
}

// Check verifies the next batch. rows are all rows with ids after After() and up to the batch's last.
func (v *Verification) Check(b Batch, rows []Row) {
	if b.Number != v.Last.Number+1 || b.PreviousHash != v.Last.Hash || b.FirstID != v.Last.LastID+1 {
		v.find(b.Number, ChainBroken, "it does not continue batch %d", v.Last.Number)
	}
	known := b.Format >= oldestFormat && b.Format <= format
	switch {
	case !known:
		v.find(b.Number, FormatUnknown, "format %d; run the verification of the release that sealed it", b.Format)
	case b.digest() != b.Hash:
		v.find(b.Number, BatchAltered, "its hash does not match its contents")
	}
	if known && (int64(len(rows)) != b.RowCount || hashRows(rows) != b.RowsHash) {
		v.find(b.Number, RowsDiffer, "ids %d to %d: %d rows were sealed, %d are there", b.FirstID, b.LastID, b.RowCount, len(rows))
	}
	for _, h := range v.heads[b.Number] {
		if h.Hash != b.Hash {
			v.find(b.Number, HeadDiffers, "the head that was exported at %s is of another batch", h.SealedAt.UTC().Format(timeForm))
		}
	}
	v.Last = b
	v.Batches++
	v.Rows += int64(len(rows))
}

// Finish is called after the last batch and finds the heads that lead beyond it.
func (v *Verification) Finish() {
	var beyond []int64
	for number := range v.heads {
		if number > v.Last.Number {
			beyond = append(beyond, number)
		}
	}
	if len(beyond) > 0 {
		v.find(slices.Max(beyond), Truncated, "the trail ends at batch %d; %d exported heads are of batches after it", v.Last.Number, len(beyond))
	}
}

func (v *Verification) find(batch int64, what, detail string, args ...any) {
	v.Findings = append(v.Findings, Finding{Batch: batch, What: what, Detail: fmt.Sprintf(detail, args...)})
}
