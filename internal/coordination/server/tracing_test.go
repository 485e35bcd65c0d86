package server_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cmhf/operator/internal/coordination/server"
	"github.com/cmhf/operator/internal/coordination/store"
	"github.com/cmhf/operator/internal/coordination/tracing"
)

// What a collector gets tells which routes and tables were slow, and nothing of people, whatever callers put where.
func TestTracesHoldNoPersonalData(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var sent bytes.Buffer
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path != "/v1/traces" {
			t.Errorf("spans were sent to %s", r.URL.Path)
		}
		if _, err := io.Copy(&sent, r.Body); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(collector.Close)
	s := startWithDirectory(t)
	tracer, stop, err := tracing.Start(t.Context(), tracing.Settings{Endpoint: collector.URL, Version: "test", ODSCode: "QOP"})
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.OpenTraced(t.Context(), s.database.AppURL, tracing.Statements{Tracer: tracer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	api := server.Public(server.Config{ODSCode: "QOP", ICSName: "Test ICS"}, db, verifier)
	api.Trace(tracer)
	public := httptest.NewServer(api.Handler(prometheus.NewRegistry()))
	t.Cleanup(public.Close)
	watched := *s
	watched.public = public.URL

	const number, trace = "9990009996", "4bf92f3577b34da6a3ce929d0e0e4736"
	north := watched.as("practitioner", "north")
	r := north.refer("north", person(number, "Unmistakable"))
	who := r["personId"].(string)
	// Every place where a caller can put something.
	north.do(http.MethodGet, "/v1/people/"+who, nil, "X-Correlation-ID", number, "User-Agent", number, "baggage", "nhs="+number,
		"traceparent", "00-"+trace+"-00f067aa0ba902b7-01", "tracestate", "nhs="+number).want(http.StatusOK)
	north.get("/v1/people/"+number).refused(http.StatusUnprocessableEntity, "invalid-request")
	north.get("/v1/referrals?service="+number).refused(http.StatusUnprocessableEntity, "invalid-request")
	north.get("/"+number).refused(http.StatusNotFound, "not-found")
	north.post("/v1/people/search", object{"nhsNumber": number}).want(http.StatusOK)
	if a := send(t, number, public.URL+"/v1/services", nil); a.status != http.StatusMethodNotAllowed {
		t.Errorf("an odd method: %d", a.status)
	}
	if err := stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"GET /v1/people/{id}", "POST /v1/referrals", "SELECT people", "INSERT audit_events, COMMIT", "coordination-api", "QOP", "\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6"} {
		if !bytes.Contains(sent.Bytes(), []byte(want)) {
			t.Errorf("the spans lack %q", want)
		}
	}
	for name, secret := range map[string]string{
		"an NHS number": number, "a name": "Unmistakable", "a person's id": who, "a referral's id": r["id"].(string), "the subject": testSubject, "a token": north.token,
	} {
		if bytes.Contains(sent.Bytes(), []byte(secret)) {
			t.Errorf("the spans hold %s", name)
		}
	}
}
