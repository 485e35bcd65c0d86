package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cmhf/operator/internal/coordination/server"
	"github.com/cmhf/operator/internal/coordination/store"
)

// While the database is away every call is answered with a problem, and refusals cannot be had without their audit trail.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	s := start(t)
	db, err := store.Open(t.Context(), "postgres:///cmhf?host=/nonexistent&user=cmhf_app")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	public := httptest.NewServer(server.Public(server.Config{ODSCode: "QOP"}, db, verifier).Handler(prometheus.NewRegistry()))
	defer public.Close()
	s.public = public.URL
	s.as("digital-lead").get("/v1/services").refused(http.StatusServiceUnavailable, "database-unavailable")
	s.as("practitioner", "north").post("/v1/people/search", object{"nhsNumber": "9990000018"}).refused(http.StatusServiceUnavailable, "database-unavailable")
	a := s.as("digital-lead").post("/v1/people/search", object{"nhsNumber": "9990000018"})
	a.refused(http.StatusServiceUnavailable, "database-unavailable")
	if strings.Contains(a.raw, "nonexistent") {
		t.Errorf("the answer tells about the server's inside: %s", a.raw)
	}
}

// Connections that die under the API are replaced; a call that met a dead one gets a problem or an answer, never a wrong one.
func TestConnectionsDie(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	body := referral("north", person("9990000018", "Example"))
	for range 5 {
		s.database.Terminate(t)
		if a := north.post("/v1/referrals", body, "Idempotency-Key", "k"); a.status != http.StatusCreated {
			a.refused(http.StatusServiceUnavailable, "database-unavailable")
		}
	}
	north.post("/v1/referrals", body, "Idempotency-Key", "k").want(http.StatusCreated)
	if n := s.count("SELECT count(*) FROM referrals"); n != 1 {
		t.Errorf("%d referrals after repetitions with one key", n)
	}
}
