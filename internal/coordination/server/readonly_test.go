package server_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/server"
	"github.com/cmhf/operator/internal/coordination/store"
)

// readOnly is the same system as another replica serves it that was started read-only.
func (s *system) readOnly() *system {
	s.t.Helper()
	db, err := store.Open(s.t.Context(), s.database.AppURL)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(db.Close)
	config := server.Config{Version: "test", ODSCode: "QOP", ICSName: "Test ICS", Synthetic: true, ReadOnly: true}
	public := httptest.NewServer(server.Public(config, db, verifier).Handler(prometheus.NewRegistry()))
	s.t.Cleanup(public.Close)
	other := *s
	other.public = public.URL
	return &other
}

// Read-only: what was recorded is read, searched and audited as ever, nothing can be changed, and a write that was refused is
// done once when it is repeated afterwards.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("service-lead", "north")
	first := north.refer("north", person("9990000018", "Example"))
	episode := north.accepted("north", person("9990000026", "Sample"))
	frozen := s.readOnly()
	reader := frozen.as("service-lead", "north")

	records := "SELECT (SELECT count(*) FROM people) + (SELECT count(*) FROM referrals) + (SELECT count(*) FROM episodes) + (SELECT count(*) FROM idempotency_keys)"
	before := s.count(records)
	id := uuid.NewString()
	key := []string{"Idempotency-Key", "kept-until-later", "X-Request-ID", id}
	kept := referral("north", person("9990000034", "Later"))
	refused := reader.post("/v1/referrals", kept, key...)
	refused.refused(http.StatusServiceUnavailable, "read-only")
	if after := refused.header.Get("Retry-After"); after != "300" {
		t.Errorf("Retry-After is %q", after)
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE request_id = $1 AND outcome = 'Refused' AND problem = 'read-only'", id); n != 1 {
		t.Errorf("%d rows tell of the refused write in the audit trail", n)
	}
	if n := s.count(records); n != before {
		t.Errorf("%d records, %d before", n, before)
	}

	id = uuid.NewString()
	read := reader.do(http.MethodGet, "/v1/people/"+first["personId"].(string), nil, "X-Request-ID", id).want(http.StatusOK)
	if read["familyName"] != "Example" {
		t.Errorf("read %v", read)
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE request_id = $1 AND outcome = 'Done' AND person_id = $2", id, first["personId"]); n != 1 {
		t.Errorf("%d rows tell of the read in the audit trail", n)
	}
	if found := reader.post("/v1/people/search", object{"nhsNumber": "9990000018"}).want(http.StatusOK)["items"].([]any); len(found) != 1 {
		t.Errorf("the search finds %v", found)
	}
	reader.get("/v1/episodes/" + episode["id"].(string)).want(http.StatusOK)
	frozen.as("digital-lead").get("/v1/statistics/at-a-glance").want(http.StatusOK)
	frozen.putDirectory(testDirectory(2)).want(http.StatusOK)

	once := north.post("/v1/referrals", kept, key...).want(http.StatusCreated)
	if again := north.post("/v1/referrals", kept, key...).want(http.StatusCreated); again["id"] != once["id"] {
		t.Error("the repeated request was done twice")
	}
}

// Whatever the document offers beside GET is either refused or one of the reads that are known to need a body.
func TestReadOnlyRefusesEveryWrite(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t).readOnly()
	c := s.with(object{"roles": []string{"service-lead", "records-officer", "disposal-officer", "partner-officer", "digital-lead"}, "services": []string{"north"}}) // between them, every operation
	reads := map[string]bool{}
	for path, item := range contract().Paths.Map() {
		for method, operation := range item.Operations() {
			a := c.do(method, strings.Replace(path, "{id}", uuid.NewString(), 1), map[bool]any{true: object{}, false: nil}[method != http.MethodGet])
			refused := strings.Contains(a.raw, "/problems/read-only")
			if refused != access.For(access.Operation(operation.OperationID)).Writes {
				t.Errorf("%s: status %d", operation.OperationID, a.status)
			}
			if !refused && method != http.MethodGet {
				reads[operation.OperationID] = true
			}
		}
	}
	if got := slices.Sorted(maps.Keys(reads)); !slices.Equal(got, []string{"grantEmergencyAccess", "searchPeople", "searchSafetyPlans"}) {
		t.Errorf("answered while read-only, by other methods than GET: %v", got)
	}
}
