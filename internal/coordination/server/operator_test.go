package server_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cmhf/operator/internal/coordination/server"
	"github.com/cmhf/operator/internal/directory"
)

func TestDirectory(t *testing.T) {
	t.Parallel()
	s := start(t)
	bearer := []string{"Authorization", "Bearer " + internalToken}
	get := func() object {
		return send(t, http.MethodGet, s.internal+"/internal/v1/directory", nil, bearer...).want(http.StatusOK)
	}
	if c := get(); c["revision"] != 0.0 || c["digest"] != "" {
		t.Fatalf("nothing committed: %v", c)
	}
	d := testDirectory(3)
	committed := s.putDirectory(d).want(http.StatusOK)
	if committed["revision"] != 3.0 || committed["digest"] != d.Digest() || committed["services"].(object)["north"] == nil {
		t.Fatalf("committed: %v", committed)
	}
	s.putDirectory(d).want(http.StatusOK)
	s.putDirectory(testDirectory(2)).refused(http.StatusConflict, "directory-older")
	changed := testDirectory(3)
	changed.Name = "Another name"
	s.putDirectory(changed).refused(http.StatusConflict, "directory-older")

	// A service that left the directory closes and keeps its history.
	next := testDirectory(4)
	next.Services = slices.DeleteFunc(next.Services, func(s directory.Service) bool { return s.Name == "south" })
	if c := s.putDirectory(next).want(http.StatusOK); c["services"].(object)["south"] != nil {
		t.Fatalf("committed: %v", c)
	}
	items := s.as("digital-lead").get("/v1/services").want(http.StatusOK)["items"].([]any)
	states := map[any]any{}
	for _, item := range items {
		states[item.(object)["name"]] = item.(object)["state"]
	}
	if len(states) != 3 || states["south"] != "Closing" || states["north"] != "Open" {
		t.Fatalf("services: %v", states)
	}
	s.as("practitioner").post("/v1/referrals", referral("south", person("9990000018", "Example"))).refused(http.StatusConflict, "service-closing")
}

func TestDirectoryRefusals(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, test := range map[string]struct {
		change   func(*directory.Directory)
		location string
	}{
		"another ICS":           {func(d *directory.Directory) { d.ODSCode = "QU9" }, "body.odsCode"},
		"another format":        {func(d *directory.Directory) { d.Format = "x" }, "body.format"},
		"no revision":           {func(d *directory.Directory) { d.Revision = 0 }, "body.revision"},
		"a service twice":       {func(d *directory.Directory) { d.Services = append(d.Services, d.Services[0]) }, "body.services[3].name"},
		"another's id":          {func(d *directory.Directory) { d.Services[0].ID = d.Services[1].ID }, "body.services[0].id"},
		"unknown state":         {func(d *directory.Directory) { d.Services[0].State = "Ajar" }, "body.services[0].state"},
		"unknown neighbourhood": {func(d *directory.Directory) { d.Services[0].Neighbourhoods = []string{"x"} }, "body.services[0].neighbourhoods[0]"},
		"unknown function":      {func(d *directory.Directory) { d.Services[0].Functions = []string{"x"} }, "body.services[0].functions[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			d := testDirectory(1)
			test.change(&d)
			body := s.putDirectory(d).refused(http.StatusUnprocessableEntity, "invalid-request")
			if at := body["errors"].([]any)[0].(object)["location"]; at != test.location {
				t.Errorf("error at %v, want %s", at, test.location)
			}
		})
	}
	s.putDirectory(`{"format":"cmhf.health/directory/v1","colour":"blue"}`).refused(http.StatusUnprocessableEntity, "invalid-request")
	whole, err := json.Marshal(testDirectory(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []string{"}", "]", "{}", "x"} {
		s.putDirectory(string(whole)+after).refused(http.StatusUnprocessableEntity, "invalid-request")
	}
	s.putDirectory("{").refused(http.StatusUnprocessableEntity, "invalid-request")
	for _, authorization := range []string{"", "Bearer ", "Bearer wrong", "Basic " + internalToken} {
		send(t, http.MethodGet, s.internal+"/internal/v1/directory", nil, "Authorization", authorization).refused(http.StatusUnauthorized, "unauthenticated")
	}
	send(t, http.MethodGet, s.internal+"/internal/v1/directory", nil, directory.TokenHeader, "wrong").refused(http.StatusUnauthorized, "unauthenticated")
	send(t, http.MethodGet, s.internal+"/internal/v1/directory", nil, directory.TokenHeader, internalToken).want(http.StatusOK)
	about := send(t, http.MethodGet, s.internal+"/internal/v1/about", nil, "Authorization", "Bearer "+internalToken).want(http.StatusOK)
	if about["odsCode"] != "QOP" || about["synthetic"] != true || about["schemaVersion"].(float64) < 6 {
		t.Errorf("about: %v", about)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// The whole program: it starts before its database has a schema and with the identity provider away, gets ready once the
// schema is there, commits the mounted directory, and stops in order.
func TestRun(t *testing.T) {
	t.Parallel()
	database := unmigrated.New(t)
	folder := t.TempDir()
	token, mounted := filepath.Join(folder, "token"), filepath.Join(folder, "directory.json")
	raw, err := json.Marshal(testDirectory(7))
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{token: internalToken, mounted: string(raw)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := server.Config{
		Version: "test", ODSCode: "QOP", ICSName: "Test ICS", Listen: freeAddress(t), InternalListen: freeAddress(t),
		Issuer: "http://127.0.0.1:1", Audience: "cmhf-qop", TokenFile: token, DirectoryFile: mounted, Database: database.AppURL, Synthetic: true,
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, config) }()
	internal := "http://" + config.InternalListen
	eventually(t, "liveness", func() bool { return status(internal+"/healthz") == http.StatusOK })
	if got := send(t, http.MethodGet, internal+"/readyz", nil).want(http.StatusServiceUnavailable); got["ready"] != false || !strings.Contains(got["database"].(string), "migrate") {
		t.Fatalf("ready without a schema: %v", got)
	}
	if err := migrated.Prepare(t.Context(), database.OwnerURL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "readiness", func() bool { return status(internal+"/readyz") == http.StatusOK })
	if got := send(t, http.MethodGet, internal+"/readyz", nil).want(http.StatusOK); got["signIn"] == "ready" {
		t.Fatalf("the identity provider's absence is not reported: %v", got)
	}
	send(t, http.MethodGet, "http://"+config.Listen+"/v1/services", nil, "Authorization", "Bearer x").refused(http.StatusServiceUnavailable, "sign-in-unavailable")
	eventually(t, "the start-up directory", func() bool {
		c := send(t, http.MethodGet, internal+"/internal/v1/directory", nil, "Authorization", "Bearer "+internalToken).want(http.StatusOK)
		return c["revision"] == 7.0
	})
	if metrics := send(t, http.MethodGet, internal+"/metrics", nil); !strings.Contains(metrics.raw, `cmhf_api_request_duration_seconds_count{route="GET /v1/services",status="503"} 1`) {
		t.Errorf("metrics: %s", metrics.raw)
	}
	stop()
	eventually(t, "not ready while stopping", func() bool { return status(internal+"/readyz") == http.StatusServiceUnavailable })
	if err := <-ended; err != nil {
		t.Fatalf("stopping: %v", err)
	}
}

func TestConfigErrorsNameTheVariable(t *testing.T) {
	for name, value := range map[string]string{"CMHF_ODS_CODE": "qop", "CMHF_ICS_NAME": " ", "CMHF_OIDC_ISSUER": "idp", "CMHF_SYNTHETIC": "perhaps", "CMHF_LOG_LEVEL": "loud"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CMHF_ODS_CODE", "QOP")
			t.Setenv("CMHF_ICS_NAME", "Test ICS")
			t.Setenv("CMHF_OIDC_ISSUER", "https://idp.example")
			if _, err := server.ConfigFromEnvironment("test"); err != nil {
				t.Fatal(err)
			}
			t.Setenv(name, value)
			if _, err := server.ConfigFromEnvironment("test"); err == nil || !strings.Contains(err.Error(), name) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func status(url string) int {
	response, err := http.Get(url)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !reached() {
		select {
		case <-deadline:
			t.Fatalf("waiting for %s", what)
		case <-tick.C:
		}
	}
}
