package server_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cmhf/operator/internal/coordination/server"
	"github.com/cmhf/operator/internal/coordination/store"
)

// A caller who sends too much is told when to come again, and neither others nor the audit trail suffer from it.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	db, err := store.Open(t.Context(), s.database.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	config := server.Config{ODSCode: "QOP", RateLimit: 0.01} // a burst of one, and the next in 100 seconds
	public := httptest.NewServer(server.Public(config, db, verifier).Handler(prometheus.NewRegistry()))
	t.Cleanup(public.Close)
	limited := *s
	limited.public = public.URL
	claims := func(sub, client string) object {
		return object{"roles": []string{"practitioner"}, "services": []string{"north"}, "sub": sub, "azp": client}
	}
	busy := limited.with(claims("busy", "one"))
	busy.get("/v1/referrals").want(http.StatusOK)
	rows := s.count("SELECT count(*) FROM audit_events")
	for range 20 {
		a := busy.get("/v1/referrals")
		a.refused(http.StatusTooManyRequests, "too-many-requests")
		if after, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || after < 1 || after > 100 {
			t.Fatalf("Retry-After is %q", a.header.Get("Retry-After"))
		}
	}
	if n := s.count("SELECT count(*) FROM audit_events"); n != rows {
		t.Errorf("requests that were not looked at left %d rows in the audit trail", n-rows)
	}
	limited.with(claims("busy", "two")).get("/v1/referrals").want(http.StatusOK)
	limited.with(claims("quiet", "one")).get("/v1/referrals").want(http.StatusOK)
	(caller{&limited, "junk"}).get("/v1/referrals").refused(http.StatusUnauthorized, "unauthenticated")
}
