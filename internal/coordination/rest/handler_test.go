package rest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestPanicBecomesAProblem(t *testing.T) {
	t.Parallel()
	api := New(nil, nil, Settings{})
	api.mux.HandleFunc("GET /panic/{id}", func(http.ResponseWriter, *http.Request) { panic("9990000018") })
	registry := prometheus.NewRegistry()
	server := httptest.NewServer(api.Handler(registry))
	defer server.Close()
	response, err := http.Get(server.URL + "/panic/1")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusInternalServerError || response.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("status %d, %s", response.StatusCode, response.Header.Get("Content-Type"))
	}
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("metrics: %v, %v", families, err)
	}
	if labels := families[0].GetMetric()[0].String(); !strings.Contains(labels, "GET /panic/{id}") || !strings.Contains(labels, "500") {
		t.Fatalf("labels: %s", labels)
	}
}

func FuzzTooDeep(f *testing.F) {
	f.Add(`{"a":["\"[["]}`)
	f.Fuzz(func(t *testing.T, body string) {
		var v any
		if err := strictJSON.Unmarshal([]byte(body), &v); err == nil && depth(v) > maxDepth {
			t.Fatalf("%q passed with depth %d", body, depth(v))
		}
	})
}

func TestStrictJSON(t *testing.T) {
	t.Parallel()
	for body, good := range map[string]bool{
		`{"a":"😀 😀 \\ud83d \\\\u0000"}`: true, `{"a":"b","b":["b","b",{"a":1}],"c":{"a":1}}`: true, `"text"`: true,
		`{"a":"\ud83d"}`: false, `{"a":"\ud83dx"}`: false, `{"a":"\ud83d\ud83d"}`: false, `{"a":"\ude00"}`: false, `{"a":"\u0000"}`: false,
		`{"a":1,"a":2}`: false, `{"b":[{"a":[1],"a":{}}]}`: false, `{"a":1,"\u0061":2}`: false, `{"a":1}{"a":2}`: false, `{"a"`: false, ``: false,
	} {
		var v any
		if err := strictJSON.Unmarshal([]byte(body), &v); (err == nil) != good {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func depth(v any) int {
	deepest := 0
	switch children := v.(type) {
	case map[string]any:
		for _, child := range children {
			deepest = max(deepest, depth(child))
		}
	case []any:
		for _, child := range children {
			deepest = max(deepest, depth(child))
		}
	default:
		return 0
	}
	return deepest + 1
}
