package server_test

import (
	"net/http"
	"testing"

	"github.com/cmhf/operator/internal/directory"
)

// The directory is committed through one replica; every other one answers by it from its next request on. There is nothing to
// wait for, because none keeps a copy.
func TestDirectoryReachesEveryReplica(t *testing.T) {
	t.Parallel()
	first := startWithDirectory(t)
	second := replica(t, first.database)
	replicas := []*system{first, second}
	names := func(s *system) map[any]any {
		found := map[any]any{}
		for _, item := range s.as("digital-lead").get("/v1/services").want(http.StatusOK)["items"].([]any) {
			found[item.(object)["name"]] = item.(object)["state"]
		}
		return found
	}
	for _, s := range replicas {
		if got := names(s); got["north"] != "Open" || got["west"] != nil {
			t.Fatalf("before the change: %v", got)
		}
		s.as("practitioner", "west").post("/v1/referrals", referral("west", person("9990000018", "Example"))).refused(http.StatusUnprocessableEntity, "invalid-request")
	}
	changed := testDirectory(2)
	west := changed.Services[0]
	west.ID, west.Name, west.DisplayName, west.State = directory.ServiceID("QOP", "west"), "west", "The west service", directory.StateOpen
	changed.Services = append(changed.Services, west)
	for i := range changed.Services {
		if changed.Services[i].Name == "north" {
			changed.Services[i].State = directory.StateClosing
		}
	}
	first.putDirectory(changed).want(http.StatusOK)
	for i, s := range []*system{second, first} {
		if got := names(s); got["north"] != "Closing" || got["west"] != "Open" {
			t.Errorf("replica %d after the change: %v", i, got)
		}
		// Scope follows too: who belongs to the new service works in it at once, on either replica.
		s.as("practitioner", "north").post("/v1/referrals", referral("north", person("9990000018", "Example"))).refused(http.StatusConflict, "service-closing")
		s.as("practitioner", "west").post("/v1/referrals", referral("west", person([]string{"9990000018", "9990000026"}[i], "Example"))).want(http.StatusCreated)
		committed := send(t, http.MethodGet, s.internal+"/internal/v1/directory", nil, "Authorization", "Bearer "+internalToken).want(http.StatusOK)
		if committed["digest"] != changed.Digest() {
			t.Errorf("replica %d says that %v is committed", i, committed["digest"])
		}
	}
}
