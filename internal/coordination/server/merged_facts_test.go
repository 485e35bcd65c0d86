package server_test

import (
	"net/http"
	"testing"
)

// Merging two records loses nothing of what the figures say of the person, whichever record it stands in; taken apart, each has its own.
func TestFactsOfMergedRecords(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	pool := s.pool()
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	canonical, merged := s.twoRecords()
	south.putNow(merged, "/v1/people/"+merged+"/details", object{"ethnicity": "J", "gender": "Female"}).want(http.StatusOK)
	home := func(c caller, id, neighbourhood string, from int) {
		t.Helper()
		c.post("/v1/people/"+id+"/residences", object{"kind": "Address", "lines": []string{"1 Example Street"}, "neighbourhood": neighbourhood, "from": day(from)}).want(http.StatusCreated)
	}
	home(south, merged, "harbour", -400)
	known := func(when, id, want string) {
		t.Helper()
		s.catchUp(pool)
		if n := s.count(`SELECT count(*) FROM spell_facts WHERE clock = 'person' AND person_id = $1 AND concat_ws(' ', neighbourhood, ethnicity, gender) = $2`, id, want); n != 1 {
			t.Errorf("%s, %d facts of the record say %q", when, n, want)
		}
	}
	known("before the merge", canonical, "")
	s.merge(merged, canonical).want(http.StatusCreated)
	known("merged", canonical, "harbour Asian Female")
	// The newer sheet answers what it says, and a sheet that is written with both in sight stands alone.
	north.putNow(canonical, "/v1/people/"+canonical+"/details", object{"gender": "NonBinary"}).want(http.StatusOK)
	known("with a new sheet", canonical, "harbour NonBinary")
	s.unmerge(merged)
	known("taken apart", canonical, "NonBinary")
	known("taken apart", merged, "harbour Asian Female")
	// Both records may have a home of their own from before: the one that was moved to last.
	home(north, canonical, "hill", -30)
	s.merge(merged, canonical).want(http.StatusCreated)
	known("merged again, with two homes and two sheets", canonical, "hill Asian NonBinary")
}
