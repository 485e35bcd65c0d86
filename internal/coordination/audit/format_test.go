package audit_test

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/audit"
)

// known is a row as the first format had it.
func known() audit.Row {
	problem := "not-found"
	person := uuid.MustParse("7c2b9a4e-6f0c-4b27-9d3b-6b3a2b1f0c11")
	return audit.Row{
		ID: 7, At: time.Date(2026, 11, 21, 12, 0, 0, 123456000, time.UTC), RequestID: "r", Subject: "s", Client: "c", Role: "auditor",
		Services: []uuid.UUID{person}, Purpose: "direct-care", Operation: "readPerson", Outcome: "Refused", Problem: &problem, PersonID: &person,
	}
}

// The encoding is what stored hashes rest on: it must never change for a format that is in use.
func TestEncodingIsStable(t *testing.T) {
	t.Parallel()
	r, organisation := known(), "A81001"
	r.Organisation = &organisation
	const want = "342b50ff15af1387" // first quarter of the batch's hash
	b := audit.Seal(audit.Batch{}, []audit.Row{r}, r.At)
	if got := hexOf(b.Hash[:8]); got != want {
		t.Errorf("the hash of a known batch begins with %s, want %s", got, want)
	}
}

// What was sealed before rows had an organisation still verifies, and nobody gives one of its rows an organisation unseen.
func TestEarlierFormatVerifies(t *testing.T) {
	t.Parallel()
	r := known()
	b := audit.Batch{Number: 1, Format: 1, FirstID: 1, LastID: r.ID, RowCount: 1, SealedAt: r.At}
	for to, from := range map[*audit.Hash]string{
		&b.RowsHash: "2826da512caf946cdeaae02b49255d9b019795047eb82e02d6a07c842e06ea7f",
		&b.Hash:     "134d4304710f4069876c7e1ac99e75eea8974bdfad969b2a34c3f92abad5520c",
	} {
		if _, err := hex.Decode(to[:], []byte(from)); err != nil {
			t.Fatal(err)
		}
	}
	found := func(b audit.Batch, r audit.Row) (what string) {
		v := audit.Verification{}
		v.Check(b, []audit.Row{r})
		for _, f := range v.Findings {
			what += f.What
		}
		return what
	}
	if what := found(b, r); what != "" {
		t.Errorf("as it was sealed: %s", what)
	}
	organisation := ""
	r.Organisation = &organisation
	if what := found(b, r); what != audit.RowsDiffer {
		t.Errorf("with an organisation: %q", what)
	}
	b.Format = 3
	if what := found(b, r); what != audit.FormatUnknown {
		t.Errorf("of a newer format: %q", what)
	}
}
