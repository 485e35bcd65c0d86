package server_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// The page for people loads everything from the API itself, and may load nothing else.
func TestDocumentForPeople(t *testing.T) {
	t.Parallel()
	s := start(t)
	fetch := func(path string) (*http.Response, string) {
		t.Helper()
		response, err := http.Get(s.public + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", path, response.Status)
		}
		return response, string(body)
	}
	response, page := fetch("/docs")
	policy := response.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "http") || strings.Contains(policy, "unsafe-eval") {
		t.Errorf("the policy: %q", policy)
	}
	loaded := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(loaded) < 5 {
		t.Fatalf("the page loads %v", loaded)
	}
	types := map[string]string{".js": "javascript", ".css": "text/css", ".png": "image/png", ".json": "json"}
	for _, address := range loaded {
		response, body := fetch("/" + address[1])
		for end, want := range types {
			if strings.HasSuffix(address[1], end) && !strings.Contains(response.Header.Get("Content-Type"), want) {
				t.Errorf("%s is of type %s", address[1], response.Header.Get("Content-Type"))
			}
		}
		if body == "" || response.Header.Get("X-Content-Type-Options") != "nosniff" && !strings.HasSuffix(address[1], ".json") {
			t.Errorf("%s: %d bytes, %v", address[1], len(body), response.Header)
		}
	}
	if response, _ := fetch("/docs/"); response.Request.URL.Path != "/docs" {
		t.Errorf("with a slash it ends at %s, where its addresses lead nowhere", response.Request.URL)
	}
}

// The page groups operations in the order of the document's tags: each has a description, and each operation stands under one of them.
func TestDocumentSubjects(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for path, item := range contract().Paths.Map() {
		for method, operation := range item.Operations() {
			if len(operation.Tags) != 1 {
				t.Errorf("%s %s stands under %v", method, path, operation.Tags)
				continue
			}
			used[operation.Tags[0]] = true
		}
	}
	at := map[string]int{}
	for i, tag := range contract().Tags {
		if _, twice := at[tag.Name]; twice || tag.Description == "" || !used[tag.Name] {
			t.Errorf("%q: twice %v, described %q, used %v", tag.Name, twice, tag.Description, used[tag.Name])
		}
		at[tag.Name] = i
	}
	for name := range used {
		if _, ok := at[name]; !ok {
			t.Errorf("%q has no place in the order", name)
		}
	}
	if !(at["people"] < at["referrals"] && at["referrals"] < at["episodes"] && at["episodes"] < at["handovers"] && at["handovers"] < at["statistics"]) {
		t.Errorf("the order: %v", at)
	}
	response, err := http.Get(start(t).public + "/docs/start.js")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if script, err := io.ReadAll(response.Body); err != nil || strings.Contains(string(script), "tagsSorter") {
		t.Errorf("the page sorts for itself: %v", err)
	}
}
