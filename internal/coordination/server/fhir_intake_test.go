package server_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/directory"
)

func containedPatient() object {
	return object{
		"resourceType": "Patient", "id": "p", "identifier": []object{{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"}},
		"name": []object{{"use": "nickname", "text": "Ex"}, {"use": "official", "family": "Example", "given": []string{"Testperson", "Middle"}}}, "birthDate": "1984-02-29",
		"address": []object{{"line": []string{"1 Secret Street"}}},
	}
}

func sentReferral() object {
	return object{
		"resourceType": "ServiceRequest", "status": "active", "intent": "order", "priority": "urgent", "contained": []object{containedPatient()},
		"extension":  []object{{"url": "https://cmhf.health/fhir/StructureDefinition/referral-route", "valueCode": "GP"}},
		"identifier": []object{{"system": "https://gp.example/referrals", "value": "R-17"}},
		"category":   []object{{"text": "Mental health referral"}}, "code": object{"text": "Assessment"},
		"subject": object{"reference": "#p"}, "authoredOn": day(0),
		"requester":          object{"type": "Organization", "identifier": object{"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "A81001"}, "display": "Example Surgery"},
		"performer":          []object{{"identifier": object{"system": "https://cmhf.health/fhir/Id/service-name", "value": "north"}}},
		"reasonCode":         []object{{"text": "Low mood"}, {"coding": []object{{"system": "http://snomed.info/sct", "code": "193462001", "display": "Insomnia", "version": "1"}}}},
		"note":               []object{{"text": "Prefers mornings", "authorString": "Dr Example", "time": "2026-01-02T10:00:00Z"}},
		"occurrenceDateTime": "2026-12", "patientInstruction": "Bring what helps",
	}
}

func (c caller) sendReferral(body any, headers ...string) answer {
	c.s.t.Helper()
	return c.fhir(http.MethodPost, "ServiceRequest", body, headers...)
}

// What a sender posts is a referral like any other, and reads back as it was meant.
func TestFHIRReferralIntake(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	gp := s.with(object{"sub": "gp-system", "roles": []string{"integration"}, "purpose": "direct-care"})
	north := s.as("practitioner", "north")
	sent := sentReferral()
	made := gp.sendReferral(sent)
	body := made.want(http.StatusCreated)
	id := body["id"].(string)
	if made.header.Get("Location") != s.public+"/fhir/R4/ServiceRequest/"+id || made.header.Get("ETag") != `W/"1"` {
		t.Errorf("headers: %v", made.header)
	}
	gp.fhirGet("ServiceRequest/"+id).issued(http.StatusNotFound, "RESOURCE_NOT_FOUND") // a sender sees what it sent no more than any other
	read := north.fhirGet("ServiceRequest/" + id).want(http.StatusOK)
	delete(body["meta"].(object), "lastUpdated")
	delete(read["meta"].(object), "lastUpdated")
	if !reflect.DeepEqual(read, body) {
		t.Errorf("read %v\nanswered %v", read, body)
	}
	raw, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	var meant object
	if err := json.Unmarshal(raw, &meant); err != nil {
		t.Fatal(err)
	}
	for _, element := range []string{"status", "intent", "priority", "identifier", "category", "code", "authoredOn", "requester", "reasonCode", "note", "occurrenceDateTime", "patientInstruction"} {
		if !reflect.DeepEqual(read[element], meant[element]) {
			t.Errorf("%s: sent %v, read %v", element, meant[element], read[element])
		}
	}
	if performer := list(read["performer"])[0].(object); performer["reference"] != "HealthcareService/"+directory.ServiceID("QOP", "north").String() {
		t.Errorf("performer: %v", performer)
	}
	plain := north.get("/v1/referrals/" + id).want(http.StatusOK)
	if plain["route"] != "GP" || plain["reason"] != "Low mood\nInsomnia\nPrefers mornings\nPriority: urgent" || plain["service"] != "north" {
		t.Errorf("as this API tells it: %v", plain)
	}
	patient := north.fhirGet(read["subject"].(object)["reference"].(string)).want(http.StatusOK)
	if name := list(patient["name"])[0].(object); name["family"] != "Example" || list(name["given"])[0] != "Testperson" {
		t.Errorf("patient: %v", patient)
	}

	// By number alone, and by id, for those who see the person.
	for name, subject := range map[string]object{
		"number": {"identifier": object{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"}}, "id": {"reference": "Patient/" + patient["id"].(string)},
	} {
		again := with(with(with(sentReferral(), "contained", nil), "identifier", nil), "subject", subject)
		if again := north.sendReferral(again).want(http.StatusCreated); again["subject"].(object)["reference"] != "Patient/"+patient["id"].(string) {
			t.Errorf("by %s: %v", name, again)
		}
		if name == "number" {
			gp.sendReferral(again).issued(http.StatusBadRequest, "INVALID_VALUE")
		} else {
			gp.sendReferral(again).issued(http.StatusNotFound, "RESOURCE_NOT_FOUND")
		}
	}
	self := with(with(sentReferral(), "extension", nil), "requester", object{"reference": "#p"})
	if made := gp.sendReferral(self).want(http.StatusCreated); north.get("/v1/referrals/" + made["id"].(string)).want(http.StatusOK)["route"] != "Self" {
		t.Errorf("a person who asks: %v", made)
	}
}

// The same request, however often it is sent, makes one referral; so does the sender's own number with If-None-Exist.
func TestFHIRReferralOnce(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	gp := s.with(object{"sub": "gp-system", "roles": []string{"integration"}, "purpose": "direct-care"})
	request := uuid.NewString()
	first := gp.sendReferral(sentReferral(), "X-Request-ID", request)
	first.want(http.StatusCreated)
	if again := gp.sendReferral(sentReferral(), "X-Request-ID", request); again.status != http.StatusCreated || again.raw != first.raw || again.header.Get("Location") != first.header.Get("Location") {
		t.Errorf("repeated: %d %s, first %s", again.status, again.raw, first.raw)
	}
	gp.sendReferral(with(sentReferral(), "priority", "routine"), "X-Request-ID", request).issued(http.StatusUnprocessableEntity, "INVALID_VALUE")
	condition := []string{"If-None-Exist", "identifier=https://gp.example/referrals|R-17"}
	known := gp.sendReferral(sentReferral(), condition...)
	if known.want(http.StatusOK); known.header.Get("Location") != first.header.Get("Location") {
		t.Errorf("known: %v", known.header)
	}
	// The number is the sender's: another's is another.
	other := s.with(object{"sub": "another", "roles": []string{"integration"}, "purpose": "direct-care"})
	other.sendReferral(sentReferral(), condition...).want(http.StatusCreated)
	if n := s.count("SELECT count(*) FROM referrals"); n != 2 {
		t.Errorf("%d referrals", n)
	}
	gp.sendReferral(sentReferral()).want(http.StatusCreated)
	gp.sendReferral(sentReferral(), condition...).issued(http.StatusPreconditionFailed, "PRECONDITION_FAILED")
	gp.sendReferral(sentReferral(), "If-None-Exist", "identifier=x|y").issued(http.StatusBadRequest, "INVALID_VALUE")
	gp.sendReferral(sentReferral(), "If-None-Exist", "status=active").issued(http.StatusBadRequest, "INVALID_VALUE")

	// At once, too.
	body := with(sentReferral(), "identifier", []object{{"system": "https://gp.example/referrals", "value": "R-18"}})
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			if a := gp.sendReferral(body, "If-None-Exist", "identifier=https://gp.example/referrals|R-18"); a.status >= 300 {
				t.Errorf("at once: %d %s", a.status, a.raw)
			}
		})
	}
	group.Wait()
	if n := s.count("SELECT count(*) FROM fhir_intakes WHERE identifier_value = 'R-18'"); n != 1 {
		t.Errorf("%d referrals with one number", n)
	}
}

func TestFHIRReferralBadInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	gp := s.with(object{"sub": "gp-system", "roles": []string{"integration"}, "purpose": "direct-care"})
	patientWith := func(element string, value any) object {
		return with(sentReferral(), "contained", []object{with(containedPatient(), element, value)})
	}
	for name, test := range map[string]struct {
		body   any
		status int
		at     string
	}{
		"no JSON":              {"{9990000018", 400, ""},
		"a key twice":          {`{"resourceType":"ServiceRequest","resourceType":"x"}`, 400, ""},
		"deep":                 {strings.Repeat("[", 500) + strings.Repeat("]", 500), 400, ""},
		"huge":                 {`{"x":"` + strings.Repeat("x", 1<<17) + `"}`, 413, ""},
		"another resource":     {with(sentReferral(), "resourceType", "Smith"), 400, "resourceType"},
		"draft":                {with(sentReferral(), "status", "draft"), 400, "ServiceRequest.status"},
		"no status":            {with(sentReferral(), "status", nil), 400, "ServiceRequest.status"},
		"proposal":             {with(sentReferral(), "intent", "proposal"), 400, "ServiceRequest.intent"},
		"unknown priority":     {with(sentReferral(), "priority", "Smith"), 400, "ServiceRequest.priority"},
		"modifier":             {with(sentReferral(), "modifierExtension", []object{{"url": "x", "valueCode": "y"}}), 400, "ServiceRequest"},
		"do not perform":       {with(sentReferral(), "doNotPerform", true), 400, "ServiceRequest"},
		"no route":             {with(sentReferral(), "extension", nil), 400, "ServiceRequest.extension"},
		"no reason":            {with(sentReferral(), "reasonCode", nil), 400, "ServiceRequest.reasonCode"},
		"long reason":          {with(sentReferral(), "reasonCode", []object{{"text": strings.Repeat("x", 4001)}}), 400, "ServiceRequest.reasonCode"},
		"tomorrow":             {with(sentReferral(), "authoredOn", day(1)), 400, "ServiceRequest.authoredOn"},
		"some year":            {with(sentReferral(), "authoredOn", "2026"), 400, "ServiceRequest.authoredOn"},
		"unknown service":      {with(sentReferral(), "performer", []object{{"reference": "HealthcareService/Smith"}}), 400, "ServiceRequest.performer"},
		"closing service":      {with(sentReferral(), "performer", []object{{"identifier": object{"system": "https://cmhf.health/fhir/Id/service-name", "value": "east"}}}), 409, ""},
		"no service":           {with(sentReferral(), "performer", nil), 400, "ServiceRequest.performer"},
		"nobody":               {with(sentReferral(), "subject", nil), 400, "ServiceRequest.subject"},
		"nobody contained":     {with(sentReferral(), "contained", nil), 400, "ServiceRequest.subject"},
		"somewhere else":       {with(sentReferral(), "subject", object{"reference": "https://elsewhere.example/Patient/1"}), 400, "ServiceRequest.subject"},
		"wrong check digit":    {patientWith("identifier", []object{{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000017"}}), 400, "ServiceRequest.contained.identifier"},
		"no name":              {patientWith("name", nil), 400, "ServiceRequest.contained.name"},
		"no birth date":        {patientWith("birthDate", nil), 400, "ServiceRequest.contained.birthDate"},
		"year of birth":        {patientWith("birthDate", "1984"), 400, "ServiceRequest.contained.birthDate"},
		"wrong type":           {with(sentReferral(), "status", 9990000018), 400, "ServiceRequest.status"},
		"wrong type within":    {patientWith("name", "Smith"), 400, "ServiceRequest.contained.name"},
		"unknown element":      {with(sentReferral(), "Smith", "x"), 400, "ServiceRequest"},
		"in other letters":     {with(sentReferral(), "Status", "active"), 400, "ServiceRequest"},
		"unknown within":       {patientWith("name", []object{{"family": "Example", "given": []string{"Testperson"}, "nick": "Smith"}}), 400, "ServiceRequest.contained.name"},
		"unread, wrong type":   {with(sentReferral(), "bodySite", "Smith"), 400, "ServiceRequest.bodySite"},
		"unread, wrong within": {with(sentReferral(), "bodySite", []object{{"text": 9990000018}}), 400, "ServiceRequest.bodySite.text"},
		"unread, wrong form":   {with(sentReferral(), "occurrenceDateTime", "Smith"), 400, "ServiceRequest.occurrenceDateTime"},
		"a list of one":        {with(sentReferral(), "status", []string{"active"}), 400, "ServiceRequest.status"},
		"no list":              {with(sentReferral(), "performer", object{"display": "Smith"}), 400, "ServiceRequest.performer"},
		"empty":                {with(sentReferral(), "supportingInfo", []object{}), 400, "ServiceRequest.supportingInfo"},
		"empty within":         {with(sentReferral(), "supportingInfo", []object{{}}), 400, "ServiceRequest.supportingInfo"},
		"null":                 {`{"resourceType":"ServiceRequest","status":null}`, 400, "ServiceRequest.status"},
		"no object":            {`[1]`, 400, ""},
		"modifier within":      {patientWith("modifierExtension", []object{{"url": "x", "valueCode": "y"}}), 400, "ServiceRequest.contained"},
		"rules":                {with(sentReferral(), "implicitRules", "https://example.org/Smith"), 400, "ServiceRequest"},
		"NHS number as theirs": {with(sentReferral(), "identifier", []object{{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"}}), 400, "ServiceRequest.identifier"},
	} {
		t.Run(name, func(t *testing.T) {
			a := gp.sendReferral(test.body)
			issue := list(a.want(test.status)["issue"])[0].(object)
			if test.at != "" && list(issue["expression"])[0] != test.at {
				t.Errorf("at %v, want %s", issue["expression"], test.at)
			}
			for _, value := range []string{"9990000018", "9990000017", "Smith", "Secret"} {
				if strings.Contains(a.raw, value) {
					t.Errorf("the answer repeats what was sent: %s", a.raw)
				}
			}
		})
	}
	if n := s.count("SELECT (SELECT count(*) FROM people) + (SELECT count(*) FROM referrals) + (SELECT count(*) FROM fhir_intakes)"); n != 0 {
		t.Errorf("refused requests left %d rows", n)
	}
	gp.sendReferral(sentReferral(), "Content-Type", "application/xml").issued(http.StatusUnsupportedMediaType, "UNSUPPORTED_SERVICE")
	s.readOnly().with(object{"roles": []string{"integration"}, "purpose": "direct-care"}).sendReferral(sentReferral()).issued(http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE")
}

// All that R4 allows is taken, also what nothing here reads, and is kept as it came.
func TestFHIRReferralTakesAllOfR4(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	gp := s.with(object{"sub": "gp-system", "roles": []string{"integration"}, "purpose": "direct-care"})
	patient := with(with(containedPatient(), "maritalStatus", object{"text": "x"}), "multipleBirthInteger", 2)
	patient["name"] = []object{{"family": "Example", "_family": object{"extension": []object{{"url": "https://example.org/own", "valueBoolean": false}}}, "given": []any{"Testperson", nil}, "_given": []any{nil, object{"id": "second"}}}}
	sent := with(with(sentReferral(), "contained", []object{patient, {"resourceType": "Condition", "id": "c", "subject": object{"reference": "#p"}}, {"resourceType": "Coverage", "id": "v", "anything": 1}}),
		"reasonReference", []object{{"reference": "#c"}})
	sent["meta"], sent["text"] = object{"profile": []string{"https://example.org/profile"}}, object{"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}
	sent["quantityQuantity"], sent["asNeededBoolean"], sent["supportingInfo"] = object{"value": 1.5}, false, []object{{"reference": "#v"}}
	sent["occurrenceTiming"] = object{"event": []string{"2026-12-01"}, "repeat": object{"count": 2, "dayOfWeek": []string{"mon"}}}
	delete(sent, "occurrenceDateTime")
	made := gp.sendReferral(sent).want(http.StatusCreated)
	raw, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.count("SELECT count(*) FROM fhir_intakes WHERE referral_id = $1 AND body::jsonb = $2::jsonb", made["id"], string(raw)); n != 1 {
		t.Error("the body is not kept as it came")
	}
}

// What was sent is kept with the referral that it made, is never changed, and hides where the person's location is hidden.
func TestAppRoleCannotBreakIntakes(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	gp := s.with(object{"sub": "gp-system", "roles": []string{"integration"}, "purpose": "direct-care"})
	north := s.as("practitioner", "north")
	made := gp.sendReferral(sentReferral()).want(http.StatusCreated)
	plain := north.refer("north", person("9990000018", "Example"))
	ctx := t.Context()
	app := s.app(testSubject, "north")
	for _, sql := range []string{
		"INSERT INTO fhir_intakes (referral_id, body, recorded_by) VALUES ('" + plain["id"].(string) + "', '{}', '" + testSubject + "')", // made before
		"INSERT INTO fhir_intakes (referral_id, body, recorded_by) VALUES ('" + made["id"].(string) + "', '{}', 'gp-system')",
		"UPDATE fhir_intakes SET body = '{}'", "DELETE FROM fhir_intakes", "UPDATE fhir_intakes SET person_id = gen_random_uuid()",
	} {
		if _, err := app.Exec(ctx, sql); err == nil {
			t.Errorf("done: %s", sql)
		}
	}
	seen := func(subject string, services ...string) (n int) {
		if err := s.app(subject, services...).QueryRow(ctx, "SELECT count(*) FROM fhir_intakes").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := seen(testSubject, "north"); n != 1 {
		t.Errorf("the receiver sees %d", n)
	}
	if n := seen("gp-system"); n != 0 {
		t.Errorf("the sender sees %d", n)
	}
	if n := seen(testSubject, "south"); n != 0 {
		t.Errorf("a stranger sees %d", n)
	}
	onward := referral("south", person("9990000018", "Example"))
	onward["fromService"] = "north"
	north.post("/v1/referrals", onward).want(http.StatusCreated)
	if n := seen(testSubject, "south"); n != 1 {
		t.Errorf("the next receiver sees %d", n)
	}
	id := strings.TrimPrefix(made["subject"].(object)["reference"].(string), "Patient/")
	north.post("/v1/people/"+id+"/alerts", object{"kind": "LocationSensitive", "detail": "Made up"}).want(http.StatusCreated)
	if n, own := seen(testSubject, "east"), seen(testSubject, "north"); n != 0 || own != 1 {
		t.Errorf("a sensitive location: others see %d, the responsible %d", n, own)
	}
}
