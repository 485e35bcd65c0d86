package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
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

// standard makes a service declare standards.
func standard(standards ...directory.Standard) func(*directory.Directory) {
	return func(d *directory.Directory) { d.Services[0].Standards = standards }
}

func ptr(n int32) *int32 { return &n }

// What a service declares is shown to callers, with the standards that apply where it declares none.
func TestDeclaredOfAService(t *testing.T) {
	t.Parallel()
	s := start(t)
	d := testDirectory(1)
	i := slices.IndexFunc(d.Services, func(s directory.Service) bool { return s.Name == "north" })
	d.Services[i].Standards = []directory.Standard{{ID: "FirstContactDays", Value: 14, Source: "A decision"}}
	d.Services[i].TeamTypes, d.Services[i].Settings, d.Services[i].CoordinationLevels = []string{"A06"}, []string{"CareHome"}, []string{"Coordinated"}
	d.Services[i].Capacity = &directory.Capacity{Caseload: ptr(200)}
	d.Services[i].Partners = []directory.Partner{{Name: "The choir", Sector: "VCSE"}}
	d.Services[i].MinimumAge = ptr(18)
	d.DefaultService = "north"
	if c := s.putDirectory(d).want(http.StatusOK); c["services"].(object)["north"] != d.Services[i].Digest() {
		t.Errorf("committed %v, want %s", c, d.Services[i].Digest())
	}
	shown := map[any]object{}
	for _, item := range s.as("practitioner").get("/v1/services").want(http.StatusOK)["items"].([]any) {
		shown[item.(object)["name"]] = item.(object)
	}
	for field, want := range map[string]string{
		"default": "true", "minimumAge": "18", "teamTypes": "[A06]", "settings": "[CareHome]", "coordinationLevels": "[Coordinated]",
		"capacity": "map[caseload:200]", "partners": "[map[name:The choir sector:VCSE]]",
	} {
		if got := fmt.Sprint(shown["north"][field]); got != want {
			t.Errorf("%s of north: %s, want %s", field, got, want)
		}
	}
	standards := func(service string) map[any]any {
		values := map[any]any{}
		for _, standard := range shown[service]["standards"].([]any) {
			values[standard.(object)["id"]] = standard.(object)["value"]
		}
		return values
	}
	want := map[any]any{"FirstContactDays": 28.0, "KeyWorkerDays": 14.0, "HandoverAnswerDays": 5.0, "ReentryCheckDays": 7.0, "FollowUpHours": 72.0, "ReviewMonths": 12.0}
	if got := standards("south"); !maps.Equal(got, want) || len(got) != len(directory.StandardIDs) || shown["south"]["default"] != false {
		t.Errorf("south: %v", shown["south"])
	}
	want["FirstContactDays"] = 14.0
	if got := standards("north"); !maps.Equal(got, want) {
		t.Errorf("standards of north: %v", got)
	}
	// The standard counts for what begins now.
	s.as("practitioner", "north").refer("north", person("9990000018", "Example"))
	if n := s.count("SELECT count(*) FROM deadlines WHERE kind = 'FirstContact' AND due_on = $1::date", day(14)); n != 1 {
		t.Error("the first contact is not due by the service's own standard")
	}
	// What is no longer declared is gone.
	s.putDirectory(testDirectory(2)).want(http.StatusOK)
	for _, item := range s.as("practitioner").get("/v1/services").want(http.StatusOK)["items"].([]any) {
		if o := item.(object); o["default"] != false || len(o["teamTypes"].([]any)) != 0 || len(o["partners"].([]any)) != 0 {
			t.Errorf("after a directory without: %v", o)
		}
	}
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
		"default is unknown":    {func(d *directory.Directory) { d.DefaultService = "x" }, "body.defaultService"},
		"default is closing":    {func(d *directory.Directory) { d.DefaultService = "east" }, "body.defaultService"},
		"unknown standard":      {standard(directory.Standard{ID: "x", Value: 1, Source: "x"}), "body.services[0].standards[0].id"},
		"standard without end":  {standard(directory.Standard{ID: "ReviewMonths", Value: 1001, Source: "x"}), "body.services[0].standards[0].value"},
		"nobody's standard":     {standard(directory.Standard{ID: "ReviewMonths", Value: 6}), "body.services[0].standards[0].source"},
		"standard twice": {standard(directory.Standard{ID: "ReviewMonths", Value: 6, Source: "x"}, directory.Standard{ID: "ReviewMonths", Value: 7, Source: "x"}),
			"body.services[0].standards[1].id"},
		"negative capacity": {func(d *directory.Directory) { d.Services[0].Capacity = &directory.Capacity{Caseload: ptr(-1)} }, "body.services[0].capacity"},
		"unknown sector":    {func(d *directory.Directory) { d.Services[0].Partners = []directory.Partner{{Name: "x", Sector: "x"}} }, "body.services[0].partners[0]"},
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

func eventually(t testing.TB, what string, reached func() bool) {
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
