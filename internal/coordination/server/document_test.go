package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/server"
)

var update = flag.Bool("update", false, "write the generated documents in docs/api anew")

const (
	documentPath = "../../../docs/api/openapi.json"
	readmePath   = "../../../docs/api/README.md"
	updateHint   = "run `go test ./internal/coordination/server -run TestDocs -update`"
)

// document is the API's description of itself.
var document = sync.OnceValue(func() []byte {
	raw, err := json.MarshalIndent(server.Public(server.Config{ODSCode: "QOP"}, nil, nil).OpenAPI(), "", "  ")
	if err != nil {
		panic(err)
	}
	return append(raw, '\n')
})

// contract is the document as an independent library understands it.
var contract = sync.OnceValue(func() *openapi3.T {
	doc, err := openapi3.NewLoader().LoadFromData(document())
	if err != nil {
		panic(err)
	}
	return doc
})

func TestDocsOpenAPI(t *testing.T) {
	t.Parallel()
	if err := contract().Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		t.Errorf("the document is not valid: %v", err)
	}
	if *update {
		if err := os.WriteFile(documentPath, document(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(documentPath)
	if err != nil || !bytes.Equal(committed, document()) {
		t.Errorf("docs/api/openapi.json is stale (%v): %s", err, updateHint)
	}
}

// The tables in docs/api/README.md are those of the code.
func TestDocsTables(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(readmePath)
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	for name, table := range map[string]string{"roles": access.Table(), "problems": problem.Table()} {
		begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->"
		before, rest, found := strings.Cut(page, begin)
		_, after, foundEnd := strings.Cut(rest, end)
		if !found || !foundEnd {
			t.Fatalf("docs/api/README.md lacks the marks of the %s table", name)
		}
		page = before + begin + table + end + after
	}
	if *update {
		if err := os.WriteFile(readmePath, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if page != string(raw) {
		t.Errorf("the tables in docs/api/README.md are stale: %s", updateHint)
	}
}

var (
	identifier = regexp.MustCompile(`/[0-9a-f-]{36}`)
	kindInPath = regexp.MustCompile(`^(/v1/worklists)/[a-z-]+`)
)

// checkAgainstDocument holds every answer that any test gets against the document.
func checkAgainstDocument(method, path string, a answer) {
	a.t.Helper()
	path, _, _ = strings.Cut(identifier.ReplaceAllString(path, "/{id}"), "?")
	path = kindInPath.ReplaceAllString(path, "$1/{kind}")
	item := contract().Paths.Find(path)
	if item == nil || item.GetOperation(method) == nil {
		return
	}
	response := item.GetOperation(method).Responses.Status(a.status)
	if response == nil {
		a.t.Errorf("%s %s: status %d is not in the document", method, path, a.status)
		return
	}
	media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	content := response.Value.Content.Get(media)
	if content == nil {
		a.t.Errorf("%s %s: status %d has %s, which is not in the document", method, path, a.status, media)
		return
	}
	var value any
	if err := json.Unmarshal([]byte(a.raw), &value); err != nil {
		a.t.Errorf("%s %s: %v", method, path, err)
		return
	}
	if err := content.Schema.Value.VisitJSON(value, openapi3.EnableJSONSchema2020(), openapi3.VisitAsResponse(), openapi3.EnableFormatValidation()); err != nil {
		a.t.Errorf("%s %s: the answer differs from the document: %v", method, path, err)
	}
}
