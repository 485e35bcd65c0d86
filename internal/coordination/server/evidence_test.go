package server_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A test that a page of docs/api names as evidence exists.
func TestDocsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	sources, err := filepath.Glob("../*/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, source := range sources {
		raw, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(raw)
	}
	pages, err := filepath.Glob("../../../docs/api/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages (%v)", err)
	}
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`")
	for _, page := range pages {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range named.FindAllStringSubmatch(string(raw), -1) {
			if !strings.Contains(code.String(), "func "+name[1]+"(") {
				t.Errorf("%s names %s, which is no test", filepath.Base(page), name[1])
			}
		}
	}
}
