package server_test

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/fhir"
)

// fhirOperations are the operations of the FHIR surface, each once.
func fhirOperations() map[access.Operation]fhir.Route {
	all := map[access.Operation]fhir.Route{}
	for _, r := range fhir.Routes() {
		all[r.Operation] = r
	}
	return all
}

var fhirKinds = []string{"RelatedPerson", "ServiceRequest", "EpisodeOfCare", "CareTeam", "CarePlan", "Goal", "Encounter", "Task", "QuestionnaireResponse", "Observation"}

// fullRecord is a person with something of every kind, and their id.
func (c caller) fullRecord() string {
	c.s.t.Helper()
	episode := c.acceptedSince("north", person("9990000018", "Example"), 10)
	id := episode["personId"].(string)
	c.agreed(episode)
	c.post("/v1/episodes/"+episode["id"].(string)+"/contacts", contact()).want(http.StatusCreated)
	c.post(outcomesOf(episode), dialog(day(0), 4, 4, 4, 4, 4, 4, 4, 4)).want(http.StatusCreated)
	c.fillCoordination(episode)
	c.post("/v1/people/"+id+"/residences", address(day(-100))).want(http.StatusCreated)
	c.post("/v1/people/"+id+"/carers", object{
		"kind": "Carer", "name": "Pat Example", "relationship": "Sibling", "phone": "07700 900456", "mayBeTold": []string{"Appointments"}, "basis": "PersonAgreed", "agreedOn": day(0),
	}).want(http.StatusCreated)
	return id
}

func TestFHIRReadAndSearch(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, stranger := s.as("practitioner", "north"), s.with(object{"sub": "another", "roles": []string{"practitioner"}, "services": []string{"east"}})
	id := north.fullRecord()
	for _, kind := range fhirKinds {
		found := north.fhirGet(kind + "?patient=Patient/" + id).found()
		if len(found) == 0 {
			t.Errorf("%s: nothing is found", kind)
			continue
		}
		if posted := north.fhirForm(kind+"/_search", "subject="+id).found(); !reflect.DeepEqual(posted, found) {
			t.Errorf("%s: the form finds %v, the address %v", kind, posted, found)
		}
		for _, resource := range found {
			path := kind + "/" + resource["id"].(string)
			read := north.fhirGet(path)
			if !reflect.DeepEqual(read.want(http.StatusOK), resource) {
				t.Errorf("%s: read %s, searched %v", kind, read.raw, resource)
			}
			meta := resource["meta"].(object)
			if want := `W/"` + meta["versionId"].(string) + `"`; read.header.Get("ETag") != want || meta["lastUpdated"] == nil || meta["profile"] != nil {
				t.Errorf("%s: ETag %s, meta %v", kind, read.header.Get("ETag"), meta)
			}
			hidden := stranger.fhirGet(path)
			hidden.issued(http.StatusNotFound, "RESOURCE_NOT_FOUND")
			if absent := stranger.fhirGet(kind + "/" + uuid.NewString()); absent.raw != hidden.raw {
				t.Errorf("%s: hidden %s, absent %s", kind, hidden.raw, absent.raw)
			}
		}
		if shown := stranger.fhirGet(kind + "?patient=" + id).found(); len(shown) != 0 {
			t.Errorf("%s: a stranger finds %v", kind, shown)
		}
		north.fhirGet(kind).issued(http.StatusBadRequest, "MISSING_VALUE")
	}
	if n := s.count("SELECT count(DISTINCT operation) FROM audit_events WHERE person_id = $1 AND outcome = 'Done' AND operation LIKE 'fhir%'", id); n != int64(2*len(fhirKinds)) {
		t.Errorf("%d operations are in the audit trail", n)
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE person_id = $1 AND outcome = 'Refused' AND operation = 'fhirReadGoal'", id); n != 0 {
		t.Errorf("a refused goal names the person %d times: goals are no table of their own", n)
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE person_id = $1 AND outcome = 'Refused' AND operation = 'fhirReadCarePlan'", id); n == 0 {
		t.Error("a refused read is not in the audit trail")
	}
}

// What the record says is what the resources say.
func TestFHIRMeaning(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	id := north.fullRecord()
	first := func(kind string) object { return north.fhirGet(kind + "?patient=" + id).found()[0] }

	episode := first("EpisodeOfCare")
	history := list(episode["statusHistory"])
	if episode["status"] != "onhold" || episode["careManager"].(object)["display"] != "Kim Example" || len(history) != 2 || history[1].(object)["status"] != "onhold" {
		t.Errorf("episode: %v", episode)
	}
	keyWorker := north.fhirGet(episode["careManager"].(object)["reference"].(string)).want(http.StatusOK)
	if keyWorker["resourceType"] != "PractitionerRole" || keyWorker["practitioner"].(object)["display"] != "Kim Example" || keyWorker["active"] != true || len(list(keyWorker["healthcareService"])) != 1 {
		t.Errorf("key worker: %v", keyWorker)
	}
	for _, p := range list(first("CareTeam")["participant"]) {
		role := north.fhirGet(p.(object)["member"].(object)["reference"].(string)).want(http.StatusOK)
		if role["id"] != keyWorker["id"] && (len(list(role["healthcareService"])) != 0 || role["organization"].(object)["display"] == nil) {
			t.Errorf("another of the team: %v", role)
		}
	}
	s.with(object{"sub": "another", "roles": []string{"practitioner"}, "services": []string{"east"}}).fhirGet("PractitionerRole/"+keyWorker["id"].(string)).issued(http.StatusNotFound, "RESOURCE_NOT_FOUND")
	related := north.fhirGet("RelatedPerson?patient=" + id)
	if p := related.found()[0]; list(p["name"])[0].(object)["text"] != "Pat Example" || len(list(p["extension"])) != 1 || p["active"] != true || strings.Contains(related.raw, "07700") {
		t.Errorf("carer: %s", related.raw)
	}
	if team := first("CareTeam"); len(list(team["participant"])) != 2 || team["id"] != episode["id"] {
		t.Errorf("team: %v", team)
	}
	plan := first("CarePlan")
	if plan["status"] != "active" || len(list(plan["goal"])) != 2 || len(list(plan["activity"])) != 1 || len(list(plan["addresses"])) != 2 {
		t.Errorf("plan: %v", plan)
	}
	expressed := 0
	for _, ref := range list(plan["goal"]) {
		if north.fhirGet(ref.(object)["reference"].(string)).want(http.StatusOK)["expressedBy"] != nil {
			expressed++
		}
	}
	if expressed != 1 {
		t.Errorf("%d goals are in the person's words", expressed)
	}
	if task := first("Task"); task["status"] != "cancelled" || task["priority"] != "routine" || task["focus"].(object)["reference"] != "EpisodeOfCare/"+episode["id"].(string) {
		t.Errorf("handover: %v", task)
	}
	if e := first("Encounter"); e["status"] != "finished" || e["class"].(object)["code"] != "AMB" {
		t.Errorf("contact: %v", e)
	}
	answers := first("QuestionnaireResponse")
	if len(list(answers["item"])) != 8 || answers["status"] != "completed" {
		t.Errorf("answers: %v", answers)
	}
	scores := north.fhirGet("Observation?patient=" + id).found()
	if len(scores) != 8 || scores[0]["valueInteger"] != 4.0 || list(scores[0]["derivedFrom"])[0].(object)["reference"] != "QuestionnaireResponse/"+answers["id"].(string) {
		t.Errorf("scores: %v", scores)
	}

	// Entered in error: it stays and says so.
	path := "/v1/outcome-assessments/" + answers["id"].(string) + "/entered-in-error"
	north.post(path, nil, "If-Match", `W/"`+answers["meta"].(object)["versionId"].(string)+`"`).want(http.StatusOK)
	for _, kind := range []string{"QuestionnaireResponse", "Observation"} {
		if r := first(kind); r["status"] != "entered-in-error" {
			t.Errorf("%s: %v", kind, r["status"])
		}
	}
}

func TestFHIRPatient(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	id := north.fullRecord()
	// South sees the person, and is not responsible.
	sent := referral("south", person("9990000018", "Example"))
	sent["fromService"] = "north"
	north.post("/v1/referrals", sent).want(http.StatusCreated)
	south := s.as("practitioner", "south")

	form := "identifier=https%3A%2F%2Ffhir.nhs.uk%2FId%2Fnhs-number%7C9990000018"
	answer := north.fhirForm("Patient/_search", form)
	found := answer.found()
	if len(found) != 1 || found[0]["id"] != id || strings.Contains(answer.raw[:strings.Index(answer.raw, "entry")], "9990000018") {
		t.Fatalf("found %s", answer.raw)
	}
	patient := north.fhirGet("Patient/" + id).want(http.StatusOK)
	number := list(patient["identifier"])[0].(object)
	if number["value"] != "9990000018" || number["extension"] == nil || patient["birthDate"] != "1984-02-29" || patient["address"] == nil {
		t.Errorf("patient: %v", patient)
	}
	if seen := south.fhirGet("Patient/" + id).want(http.StatusOK); seen["address"] == nil {
		t.Errorf("south sees %v", seen)
	}
	north.post("/v1/people/"+id+"/alerts", object{"kind": "LocationSensitive", "detail": "Made up"}).want(http.StatusCreated)
	if seen := south.fhirGet("Patient/" + id); strings.Contains(seen.raw, "Example Street") || seen.want(http.StatusOK)["meta"].(object)["security"] == nil {
		t.Errorf("a sensitive location: %s", seen.raw)
	}
	if seen := north.fhirGet("Patient/" + id).want(http.StatusOK); seen["address"] == nil {
		t.Errorf("the responsible service sees %v", seen)
	}

	nobody := north.refer("north", object{"nhsNumberAbsentReason": "NeverIssued", "familyName": "New", "givenName": "Testperson", "birthDate": "1990-01-01"})
	number = list(north.fhirGet("Patient/" + nobody["personId"].(string)).want(http.StatusOK)["identifier"])[0].(object)
	if number["value"] != nil || number["_value"] == nil {
		t.Errorf("no number: %v", number)
	}
}

func TestFHIRBadRequests(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	id := north.refer("north", person("9990000018", "Example"))["personId"].(string)
	system := "https://fhir.nhs.uk/Id/nhs-number"
	for path, code := range map[string]string{
		"Patient?identifier=" + system + "%7C9990000018":      "INVALID_VALUE",
		"Patient?identifier=9990000018":                       "INVALID_VALUE",
		"Task?patient=999%20000%200018":                       "INVALID_VALUE",
		"Patient/9990000018":                                  "INVALID_VALUE",
		"Goal?patient=" + id + "&note=%39990000018":           "INVALID_VALUE",
		"Goal/" + strings.ToUpper(id):                         "INVALID_VALUE",
		"Goal?patient=" + id + "&Smith=1":                     "INVALID_VALUE",
		"Goal?patient=" + id + "&patient=" + uuid.NewString(): "INVALID_VALUE",
		"Goal?patient=" + id + "&_count=0":                    "INVALID_VALUE",
		"Goal?patient=" + id + "&_count=101":                  "INVALID_VALUE",
		"Goal?patient=Smith":                                  "INVALID_VALUE",
		"Goal?_page=made-up":                                  "INVALID_VALUE",
		"Goal?patient=%zz":                                    "INVALID_VALUE",
		"HealthcareService?identifier=Smith":                  "INVALID_VALUE",
	} {
		a := north.fhirGet(path)
		a.issued(http.StatusBadRequest, code)
		if strings.Contains(a.raw, "9990000018") || strings.Contains(a.raw, "Smith") {
			t.Errorf("%s: the answer repeats what was sent: %s", path, a.raw)
		}
	}
	without := send(t, http.MethodGet, s.public+"/fhir/R4/metadata", nil)
	without.issued(http.StatusBadRequest, "MISSING_VALUE")
	if with := north.fhir(http.MethodGet, "metadata", nil, "X-Request-ID", "9F8B9A64-3C3B-4E0C-8C7B-0C4F6A0E7E11"); !strings.EqualFold(with.header.Get("X-Request-ID"), "9F8B9A64-3C3B-4E0C-8C7B-0C4F6A0E7E11") {
		t.Errorf("X-Request-ID: %v", with.header)
	}
	north.fhir(http.MethodGet, "metadata", nil, "Accept", "application/fhir+xml").issued(http.StatusNotAcceptable, "UNSUPPORTED_SERVICE")
	north.fhir(http.MethodGet, "Patient/"+id, nil, "Accept", "application/fhir+xml").issued(http.StatusNotAcceptable, "UNSUPPORTED_SERVICE")
	north.fhirGet("Patient/"+id+"?_format=xml").issued(http.StatusNotAcceptable, "UNSUPPORTED_SERVICE")
	north.fhir(http.MethodPost, "Patient/_search", "{}").issued(http.StatusUnsupportedMediaType, "UNSUPPORTED_SERVICE")
	north.fhirForm("Patient/_search", "").issued(http.StatusBadRequest, "MISSING_VALUE")
	north.fhirForm("Patient/_search", "identifier=Smith%7C1").issued(http.StatusBadRequest, "INVALID_VALUE")
	north.fhirForm("Patient/_search", "identifier="+system+"%7C9990000019").issued(http.StatusBadRequest, "INVALID_VALUE")
	north.fhirGet("Medication/"+id).issued(http.StatusNotFound, "RESOURCE_NOT_FOUND")
	north.fhir(http.MethodDelete, "Patient/"+id, nil).issued(http.StatusMethodNotAllowed, "INVALID_METHOD")
	caller{s, "made-up"}.fhirGet("Patient/"+id).issued(http.StatusUnauthorized, "ACCESS_DENIED")
	s.with(object{"roles": []string{"integration"}}).fhirGet("Patient/"+id).issued(http.StatusForbidden, "ACCESS_DENIED")
	if strings.Contains(logs.String(), "9990000018") {
		t.Error("the log holds an NHS number")
	}
}

func TestFHIRPages(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	id := north.fullRecord()
	var got []string
	for path := "Observation?patient=" + id + "&_count=3"; path != ""; {
		a := north.fhirGet(path)
		for _, r := range a.found() {
			got = append(got, r["id"].(string))
		}
		path = ""
		for _, l := range list(a.want(http.StatusOK)["link"]) {
			if url := l.(object)["url"].(string); l.(object)["relation"] == "next" {
				path = strings.TrimPrefix(url, s.public+"/fhir/R4/")
				if strings.Contains(url, id) {
					t.Errorf("the link names the person: %s", url)
				}
			}
		}
	}
	if slices.Sort(got); len(got) != 8 || len(slices.Compact(got)) != 8 {
		t.Errorf("pages hold %v", got)
	}
}

// The statement is the routing table: what it lists is served, and nothing else.
func TestFHIRCapabilities(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	a := send(t, http.MethodGet, s.public+"/fhir/R4/metadata", nil, "X-Request-ID", uuid.NewString())
	statement := a.want(http.StatusOK)
	checkFHIR(t, statement)
	said := map[string]bool{}
	for _, r := range list(list(statement["rest"])[0].(object)["resource"]) {
		for _, i := range list(r.(object)["interaction"]) {
			said[r.(object)["type"].(string)+" "+i.(object)["code"].(string)] = true
		}
	}
	served := map[string]bool{}
	for _, r := range fhir.Routes() {
		kind, rest, _ := strings.Cut(strings.TrimPrefix(r.Path, "/fhir/R4/"), "/")
		switch {
		case rest == "{id}":
			served[kind+" read"] = true
		case rest == "_search" || r.Method == http.MethodGet:
			served[kind+" search-type"] = true
		default:
			served[kind+" create"] = true
		}
	}
	if !maps.Equal(said, served) {
		t.Errorf("said %v, served %v", said, served)
	}
	lead := s.as("digital-lead")
	for _, kind := range []string{"HealthcareService", "Organization"} {
		all := lead.fhirGet(kind).found()
		if want := map[string]int{"HealthcareService": 3, "Organization": 1}[kind]; len(all) != want {
			t.Errorf("%d of %s", len(all), kind)
		}
		read := lead.fhirGet(kind + "/" + all[0]["id"].(string)).want(http.StatusOK)
		if !reflect.DeepEqual(read, all[0]) {
			t.Errorf("%s: %v, %v", kind, read, all[0])
		}
	}
	if one := lead.fhirGet("HealthcareService?identifier=https://cmhf.health/fhir/Id/service-name%7Cnorth").found(); len(one) != 1 || one[0]["name"] != "The north service" {
		t.Errorf("by name: %v", one)
	}
}

func TestFHIRRoleTable(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	for _, role := range append(access.Roles(), "unknown", "") {
		c := s.with(object{"roles": []access.Role{role}, "purpose": "direct-care", "services": []string{"north"}})
		for operation, r := range fhirOperations() {
			a := c.fhir(r.Method, strings.TrimPrefix(strings.Replace(r.Path, "{id}", uuid.NewString(), 1), "/fhir/R4/"), "")
			if allowed := slices.Contains(access.For(operation).Roles, role); allowed == (a.status == http.StatusForbidden) {
				t.Errorf("%s as %q: status %d, allowed %v", operation, role, a.status, allowed)
			}
		}
	}
}
