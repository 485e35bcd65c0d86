package audit_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/coordination/audit"
)

// A log is read as heads or refused: no line that could have been a head is passed over, and an error never repeats the line.
func FuzzReadHeads(f *testing.F) {
	head := `{"msg":"audit head","ods_code":"QSL","batch":1,"hash":"` + strings.Repeat("ab", 32) + `","last_id":7,"sealed_at":"2026-10-01T10:00:00Z"}`
	for _, log := range []string{head, head + "\n" + head, "started\n" + head, head[:50], `{"msg":"other"}`, `{"msg":1}`, "audit head", strings.Replace(head, "ab", "xy", 1),
		strings.Replace(head, `"batch":1`, `"batch":0`, 1), strings.Replace(head, `"batch":1`, `"batch":"1"`, 1), " " + head} {
		f.Add(log)
	}
	f.Fuzz(func(t *testing.T, log string) {
		heads, err := audit.ReadHeads(strings.NewReader(log))
		if err != nil {
			if len(heads) != 0 {
				t.Error("an error came with heads")
			}
			return
		}
		said := 0
		for line := range strings.Lines(log) {
			var entry struct {
				Message any `json:"msg"`
			}
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Message == "audit head" {
				said++
			}
		}
		if len(heads) != said {
			t.Errorf("%d heads were read of %d in %q", len(heads), said, log)
		}
		for _, h := range heads {
			if h.Batch < 1 || h.SealedAt.IsZero() && !strings.Contains(log, "0001-01-01") {
				t.Errorf("%+v was read from %q", h, log)
			}
		}
	})
}
