package audit_test

import (
	"bytes"
	"crypto/ed25519"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/cmhf/operator/internal/coordination/audit"
)

// Few letters, so that parts of one field and the next are often alike.
var text = rapid.StringMatching(`[ab]{0,3}`)

var id = rapid.Custom(func(t *rapid.T) uuid.UUID { return uuid.UUID{15: rapid.Byte().Draw(t, "byte")} })

var row = rapid.Custom(func(t *rapid.T) audit.Row {
	return audit.Row{
		ID: rapid.Int64Range(1, 40).Draw(t, "id"), At: time.UnixMicro(rapid.Int64Range(0, 1<<50).Draw(t, "at")).UTC(),
		RequestID: text.Draw(t, "request"), Subject: text.Draw(t, "subject"), Client: text.Draw(t, "client"), Role: text.Draw(t, "role"),
		Services: rapid.SliceOfN(id, 0, 2).Draw(t, "services"), Purpose: text.Draw(t, "purpose"), Operation: text.Draw(t, "operation"), Outcome: text.Draw(t, "outcome"),
		Problem: rapid.Ptr(text, true).Draw(t, "problem"), PersonID: rapid.Ptr(id, true).Draw(t, "person"), ResourceID: rapid.Ptr(id, true).Draw(t, "resource"),
		Organisation: rapid.Ptr(text, true).Draw(t, "organisation"),
	}
})

func same(a, b audit.Row) bool {
	if len(a.Services) == 0 && len(b.Services) == 0 { // nil and empty are one list
		a.Services, b.Services = nil, nil
	}
	return reflect.DeepEqual(a, b)
}

// Two rows have one encoding exactly when they are the same row.
func TestEncodingIsOneToOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := row.Draw(t, "a"), row.Draw(t, "b")
		if rapid.Bool().Draw(t, "alike") {
			b = edited(t, a)
		}
		if equal := bytes.Equal(audit.Encode(nil, a), audit.Encode(nil, b)); equal != same(a, b) {
			t.Fatalf("encodings equal: %v, rows %+v and %+v", equal, a, b)
		}
	})
}

func hexOf(raw []byte) string {
	const digits = "0123456789abcdef"
	var b []byte
	for _, c := range raw {
		b = append(b, digits[c>>4], digits[c&15])
	}
	return string(b)
}

// edited changes exactly one field.
func edited(t *rapid.T, r audit.Row) audit.Row {
	other := func(s string) string { return rapid.SampledFrom([]string{s + "a", s + "b"}).Draw(t, "text") }
	otherID := func(p *uuid.UUID) *uuid.UUID {
		if p != nil && rapid.Bool().Draw(t, "gone") {
			return nil
		}
		changed := uuid.New()
		return &changed
	}
	switch rapid.IntRange(0, 12).Draw(t, "field") {
	case 0:
		r.At = r.At.Add(time.Microsecond)
	case 1:
		r.RequestID = other(r.RequestID)
	case 2:
		r.Subject = other(r.Subject)
	case 3:
		r.Client = other(r.Client)
	case 4:
		r.Role = other(r.Role)
	case 5:
		r.Services = append(slices.Clone(r.Services), uuid.New())
	case 6:
		r.Purpose = other(r.Purpose)
	case 7:
		r.Operation = other(r.Operation)
	case 8:
		r.Outcome = other(r.Outcome)
	case 9:
		if r.Problem != nil {
			r.Problem = nil
		} else {
			empty := ""
			r.Problem = &empty
		}
	case 10:
		r.PersonID = otherID(r.PersonID)
	case 11:
		r.ResourceID = otherID(r.ResourceID)
	case 12:
		if r.Organisation != nil {
			r.Organisation = nil
		} else {
			empty := ""
			r.Organisation = &empty
		}
	}
	return r
}

// trail is what a database holds.
type trail struct {
	rows    []audit.Row
	batches []audit.Batch
}

var sealedTrail = rapid.Custom(func(t *rapid.T) trail {
	rows := rapid.SliceOfNDistinct(row, 2, 20, func(r audit.Row) int64 { return r.ID }).Draw(t, "rows")
	slices.SortFunc(rows, func(a, b audit.Row) int { return int(a.ID - b.ID) })
	return trail{rows, chain(rows, func() int { return rapid.IntRange(1, 6).Draw(t, "batch") })}
})

func chain(rows []audit.Row, size func() int) (batches []audit.Batch) {
	var last audit.Batch
	for len(rows) > 0 {
		n := min(size(), len(rows))
		last = audit.Seal(last, rows[:n], time.UnixMicro(1))
		batches, rows = append(batches, last), rows[n:]
	}
	return batches
}

func (s trail) heads() (heads []audit.Head) {
	for _, b := range s.batches {
		heads = append(heads, audit.HeadOf("QOP", b, nil))
	}
	return heads
}

func (s trail) findings(heads []audit.Head) []audit.Finding {
	v := &audit.Verification{}
	v.Expect(heads)
	for _, b := range s.batches {
		after := v.After()
		v.Check(b, slices.DeleteFunc(slices.Clone(s.rows), func(r audit.Row) bool { return r.ID <= after || r.ID > b.LastID }))
	}
	v.Finish()
	return v.Findings
}

// What was sealed and left alone verifies; every edit, deletion, exchange, insertion and truncation is found, also when whoever did
// it made all hashes anew.
func TestVerificationFindsEveryChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := sealedTrail.Draw(t, "trail")
		heads := s.heads()
		if found := s.findings(heads); len(found) != 0 {
			t.Fatalf("an untouched trail: %v", found)
		}
		at := rapid.IntRange(0, len(s.rows)-1).Draw(t, "at")
		changed := trail{slices.Clone(s.rows), slices.Clone(s.batches)}
		switch what := rapid.SampledFrom([]string{"edit", "delete", "swap", "insert", "truncate", "cut the rows", "drop a batch", "alter a batch"}).Draw(t, "what"); what {
		case "edit":
			changed.rows[at] = edited(t, s.rows[at])
		case "delete":
			changed.rows = slices.Delete(changed.rows, at, at+1)
		case "swap":
			other := rapid.IntRange(0, len(s.rows)-1).Filter(func(i int) bool { return i != at }).Draw(t, "other")
			a, b := &changed.rows[at], &changed.rows[other]
			*a, *b = *b, *a
			a.ID, b.ID = b.ID, a.ID
			if same(*a, s.rows[at]) { // two rows that differ in their ids alone
				t.Skip()
			}
		case "insert":
			added := row.Draw(t, "added")
			added.ID = rapid.Int64Range(-3, s.rows[len(s.rows)-1].ID).Draw(t, "added id")
			i, taken := slices.BinarySearchFunc(changed.rows, added.ID, func(r audit.Row, id int64) int { return int(r.ID - id) })
			if taken {
				t.Skip()
			}
			changed.rows = slices.Insert(changed.rows, i, added)
		case "truncate":
			keep := rapid.IntRange(0, len(s.batches)-1).Draw(t, "kept batches")
			changed.batches = changed.batches[:keep]
			last := int64(0)
			if keep > 0 {
				last = changed.batches[keep-1].LastID
			}
			changed.rows = slices.DeleteFunc(changed.rows, func(r audit.Row) bool { return r.ID > last })
		case "cut the rows":
			changed.rows = changed.rows[:at]
		case "drop a batch":
			i := rapid.IntRange(0, len(s.batches)-1).Draw(t, "batch")
			changed.batches = slices.Delete(changed.batches, i, i+1)
		case "alter a batch":
			b := &changed.batches[rapid.IntRange(0, len(s.batches)-1).Draw(t, "batch")]
			switch rapid.IntRange(0, 4).Draw(t, "field") {
			case 0:
				b.RowCount++
			case 1:
				b.LastID++
			case 2:
				b.RowsHash[0] ^= 1
			case 3:
				b.Hash[0] ^= 1
			case 4:
				b.SealedAt = b.SealedAt.Add(time.Second)
			}
		}
		if len(changed.findings(heads)) == 0 {
			t.Fatal("the change was not found")
		}
		// The same with every hash made anew: the database is in order in itself, the exported heads are not met.
		if len(changed.rows) == 0 {
			return
		}
		sizes := s.batches // as before, so that it is not the batches' bounds that give it away
		changed.batches = chain(changed.rows, func() int {
			if len(sizes) == 0 {
				return 1
			}
			size := int(sizes[0].RowCount)
			sizes = sizes[1:]
			return size
		})
		if found := changed.findings(nil); len(found) != 0 {
			t.Fatalf("a chain that was made anew: %v", found)
		}
		if !slices.EqualFunc(changed.rows, s.rows, same) && len(changed.findings(heads)) == 0 {
			t.Fatal("a chain that was made anew meets the heads that were exported before")
		}
	})
}

// Heads survive a log with other lines, and a signature fits one head and one key only.
func TestHeads(t *testing.T) {
	t.Parallel()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	stranger, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := audit.Seal(audit.Batch{}, []audit.Row{{ID: 3}}, time.Now())
	var log bytes.Buffer
	log.WriteString("not JSON\n{\"msg\":\"request\",\"note\":\"audit head\"}\n\n")
	for _, h := range []audit.Head{audit.HeadOf("QOP", b, key), audit.HeadOf("QOP", b, nil)} {
		if err := audit.WriteHead(&log, h); err != nil {
			t.Fatal(err)
		}
	}
	heads, err := audit.ReadHeads(&log)
	if err != nil || len(heads) != 2 || heads[0].Hash != b.Hash || heads[0].Batch != 1 || heads[0].LastID != 3 || !heads[0].SealedAt.Equal(b.SealedAt) {
		t.Fatalf("read %+v, %v", heads, err)
	}
	if !heads[0].SignedBy(public) || heads[0].SignedBy(stranger) || heads[1].SignedBy(public) {
		t.Error("the signature is not that of the key and the head")
	}
	for name, forge := range map[string]func(*audit.Head){
		"system": func(h *audit.Head) { h.ODSCode = "QSL" }, "batch": func(h *audit.Head) { h.Batch++ }, "row": func(h *audit.Head) { h.LastID++ },
		"hash": func(h *audit.Head) { h.Hash[5] ^= 1 }, "time": func(h *audit.Head) { h.SealedAt = h.SealedAt.Add(time.Second) },
	} {
		forged := heads[0]
		if forge(&forged); forged.SignedBy(public) {
			t.Errorf("the signature still fits after a change of the %s", name)
		}
	}
	var whole bytes.Buffer
	if err := audit.WriteHead(&whole, audit.HeadOf("QOP", b, key)); err != nil {
		t.Fatal(err)
	}
	for _, broken := range []string{
		whole.String()[:whole.Len()-5], whole.String()[:20], whole.String() + whole.String()[:60], "2026-01-01T00:00:00Z stdout F " + whole.String(),
		strings.Replace(whole.String(), `"batch":1`, `"batch":"1"`, 1), strings.Replace(whole.String(), `"signature":"`, `"signature":"!`, 1),
		`{"msg":"audit head","batch":1,"hash":"00","sealed_at":"2026-01-01T00:00:00Z"}`,
		`{"msg":"audit head","batch":0,"hash":"` + hexOf(b.Hash[:]) + `","sealed_at":"2026-01-01T00:00:00Z"}`,
		`{"msg":"audit head","batch":1,"hash":"` + hexOf(b.Hash[:]) + `","sealed_at":"yesterday"}`,
	} {
		if _, err := audit.ReadHeads(bytes.NewBufferString(broken)); err == nil {
			t.Errorf("%s was read", broken)
		}
	}
}
