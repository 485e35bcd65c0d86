package operatorapi

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// A directory that is taken is one document, and means the same when it is written again: its digest is what the operator compares.
func FuzzDecodeDirectory(f *testing.F) {
	for _, document := range []string{
		`{"revision":"a","services":[{"name":"core","displayName":"Core","neighbourhoods":["Frome"]}]}`, `{}`, `{} {}`, `{"unknown":1}`, `[]`, `null`, ``, `{"services":{}}`,
		`{"services":[{"name":"\ud800"}]}`,
	} {
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document string) {
		d, err := DecodeDirectory(strings.NewReader(document))
		if err != nil {
			return
		}
		written, err := json.Marshal(d)
		if err != nil {
			t.Fatalf("%q was taken and can't be written: %v", document, err)
		}
		again, err := DecodeDirectory(bytes.NewReader(written))
		if err != nil || again.Digest() != d.Digest() {
			t.Errorf("%q was taken, and is another when written and read again: %v\n%s", document, err, written)
		}
	})
}
