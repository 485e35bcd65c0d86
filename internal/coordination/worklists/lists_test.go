package worklists

import (
	"io/fs"
	"testing"
)

// Every list has a query, and every query a list.
func TestListsAndQueries(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, l := range lists {
		if seen[l.kind] || l.description == "" || l.query() == "" {
			t.Errorf("worklist %s: it is there twice, or says nothing of itself", l.kind)
		}
		seen[l.kind] = true
	}
	files, err := fs.Glob(queries, "sql/*.sql")
	if err != nil || len(files) != len(lists) {
		t.Errorf("%d queries for %d worklists, %v", len(files), len(lists), err)
	}
}
