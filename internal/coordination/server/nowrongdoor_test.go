package server_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/directory"
)

// openDirectory has north for adults, south for young adults, west for everyone over 10 and the default, and east closing.
func openDirectory(revision int64) directory.Directory {
	d := testDirectory(revision)
	age := func(years int32) *int32 { return &years }
	for i := range d.Services {
		switch s := &d.Services[i]; s.Name {
		case "north":
			s.MinimumAge, s.EntryRoutes = age(18), []string{"Self"}
		case "south":
			s.MinimumAge, s.MaximumAge, s.Place = age(16), age(25), "moor"
		}
	}
	d.Services = append(d.Services, directory.Service{
		ID: directory.ServiceID("QOP", "west"), Name: "west", DisplayName: "The west service", State: directory.StateOpen, Place: "moor",
		LeadProvider: directory.Provider{ODSCode: "RT1", Name: "Test Trust"}, Functions: []string{"Core"}, MinimumAge: age(11),
	})
	d.DefaultService = "west"
	return d
}

// aged is a person who turned so many years old yesterday.
func aged(nhsNumber string, years int) object {
	who := person(nhsNumber, "Example")
	who["birthDate"] = london.Today(time.Now()).AddDate(-years, 0, -1).Format(time.DateOnly)
	return who
}

func TestWhoNamesNoService(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	gp := s.with(object{"roles": []string{"integration"}, "purpose": "direct-care"})
	body := referral("", person("9990000018", "Example"))
	delete(body, "service")
	refused := gp.post("/v1/referrals", body).refused(http.StatusUnprocessableEntity, "invalid-request")
	if at := refused["errors"].([]any)[0].(object)["location"]; at != "body.service" {
		t.Errorf("without a default receiving service: %v", refused)
	}
	s.putDirectory(openDirectory(2)).want(http.StatusOK)
	if r := gp.post("/v1/referrals", body).want(http.StatusCreated); r["service"] != "west" || r["responsibleService"] != "west" || r["redirectedTo"] != nil {
		t.Errorf("with one: %v", r)
	}
	if items := s.as("practitioner", "west").get("/v1/referrals").want(http.StatusOK)["items"].([]any); len(items) != 1 {
		t.Errorf("the default receiving service sees %v", items)
	}
	// Every door is open, whatever routes a service makes known.
	for _, route := range []string{"Self", "Carer", "GP", "VCSE", "SocialCare", "Crisis", "Inpatient", "Online", "WalkIn"} {
		gp.referredBy(route, "north", person("9990000026", "Other"))
	}
}

// Nobody is refused for their age: the referral is taken and sent on at once, and the service that was named stays responsible until
// the other accepts.
func TestWhoIsOfAnotherAgeIsSentOn(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.putDirectory(openDirectory(1)).want(http.StatusOK)
	gp := s.with(object{"roles": []string{"integration"}, "purpose": "direct-care"})
	for name, test := range map[string]struct {
		service string
		who     object
		to      any
	}{
		"an adult":                 {"north", aged("9990000018", 40), nil},
		"eighteen today and a day": {"north", aged("9990000026", 18), nil},
		"seventeen: the service for young adults":  {"north", aged("9990000034", 17), "south"}, // shares a neighbourhood
		"fifteen: for everyone over 10":            {"north", aged("9990000042", 15), "west"},
		"too old for young adults: nearest":        {"south", aged("9990000050", 40), "north"},
		"nine: for nobody, so the default service": {"north", aged("9990000069", 9), "west"},
		"nine, at the default service itself":      {"west", aged("9990000077", 9), nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := gp.refer(test.service, test.who)
			to, _ := r["redirectedTo"].(object)
			if to["service"] != test.to || r["service"] != test.service || r["responsibleService"] != test.service || r["state"] != "Open" {
				t.Fatalf("referral: %v", r)
			}
			if test.to == nil {
				return
			}
			there := s.as("practitioner", test.to.(string)).get("/v1/referrals/" + to["referralId"].(string)).want(http.StatusOK)
			if there["redirectedFrom"] != r["id"] || there["responsibleService"] != test.service || there["reason"] != r["reason"] {
				t.Errorf("at %s: %v", test.to, there)
			}
			read := s.as("practitioner", test.service).get("/v1/referrals/" + r["id"].(string)).want(http.StatusOK)
			if !maps.EqualFunc(read["redirectedTo"].(object), to, func(a, b any) bool { return a == b }) {
				t.Errorf("answered %v, read %v", to, read["redirectedTo"])
			}
		})
	}
	// A service that sends somebody on does not get them back by their age.
	body := referral("north", aged("9990000085", 17))
	body["fromService"] = "west"
	r := s.as("practitioner", "west").post("/v1/referrals", body).want(http.StatusCreated)
	if to := r["redirectedTo"].(object); to["service"] != "south" || r["responsibleService"] != "west" {
		t.Errorf("sent by west: %v", r)
	}
}

// The answer is the same for a person who is known, unknown, or known to have died, sent on for their age or not.
func TestBeingSentOnDoesNotTellWhoIsKnown(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.putDirectory(openDirectory(1)).want(http.StatusOK)
	gp := s.with(object{"roles": []string{"integration"}, "purpose": "direct-care"})
	who := aged("9990000018", 12)
	first := gp.post("/v1/referrals", referral("north", who))
	known := gp.post("/v1/referrals", referral("north", who))
	s.as("practitioner", "north").end(first.want(http.StatusCreated)["id"], object{"kind": "Died", "death": object{"on": day(0), "source": "GP"}}).want(http.StatusCreated)
	died := gp.post("/v1/referrals", referral("north", who))
	shape := func(a answer) []string {
		body := a.want(http.StatusCreated)
		return append(append(slices.Sorted(maps.Keys(body)), slices.Sorted(maps.Keys(body["redirectedTo"].(object)))...), body["state"].(string), a.header.Get("ETag"))
	}
	if !slices.Equal(shape(first), shape(known)) || !slices.Equal(shape(first), shape(died)) {
		t.Errorf("answers: %s, %s, %s", first.raw, known.raw, died.raw)
	}
	if n := s.count("SELECT count(*) FROM referrals WHERE state = 'Open'"); n != 0 {
		t.Errorf("%d referrals of a person who has died are open", n)
	}
}
