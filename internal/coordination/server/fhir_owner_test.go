package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/directory"
)

// Who is asked to take over finds what it is asked by FHIR as by /v1, and sees no more by it.
func TestFHIRTasksOfOwner(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	surgery, charity := s.partner("A81001"), s.partner("VCX99")
	const mine = "Task?owner:identifier=https://fhir.nhs.uk/Id/ods-organization-code%7CA81001"
	var offered []string
	for _, p := range []object{person("9990000018", "Example"), person("9990000026", "Other"), person("9990000034", "Third")} {
		h := north.offer(north.accepted("north", p)["id"], outside(handover("Down", "Routine")))
		offered = append(offered, strings.TrimPrefix(h, "/v1/handovers/"))
	}
	inside := strings.TrimPrefix(north.offer(north.accepted("north", person("9990000042", "Fourth"))["id"], to("south", handover("Up", "Routine"))), "/v1/handovers/")

	// Page by page, newest first; the same by the form.
	var got []string
	for path := mine + "&_count=2"; path != ""; {
		a := surgery.fhirGet(path)
		for _, r := range a.found() {
			got = append([]string{r["id"].(string)}, got...)
			if whom := r["for"].(object); whom["identifier"] != nil || whom["display"] != nil {
				t.Errorf("a list says who the person is: %v", whom)
			}
		}
		path = ""
		for _, l := range list(a.want(http.StatusOK)["link"]) {
			if l.(object)["relation"] == "next" {
				path = strings.TrimPrefix(l.(object)["url"].(string), s.public+"/fhir/R4/")
			}
		}
		if path != "" {
			charity.fhirGet(path).issued(http.StatusBadRequest, "INVALID_VALUE") // another's page
			north.fhirGet("Goal?"+strings.TrimPrefix(path, "Task?")).issued(http.StatusBadRequest, "INVALID_VALUE")
		}
	}
	if strings.Join(got, " ") != strings.Join(offered, " ") {
		t.Errorf("found %v, offered %v", got, offered)
	}
	form := strings.TrimPrefix(mine, "Task?")
	if posted := surgery.fhirForm("Task/_search", form).found(); len(posted) != 3 {
		t.Errorf("the form finds %v", posted)
	}
	read := surgery.fhirGet("Task/" + offered[0]).want(http.StatusOK)
	whom := read["for"].(object)
	if whom["identifier"].(object)["value"] != "9990000018" || whom["display"] != "Testperson Example, born 29 Feb 1984" || read["status"] != "requested" {
		t.Errorf("the organisation reads %v", read)
	}
	// Nothing else of the record.
	for _, path := range []string{whom["reference"].(string), read["focus"].(object)["reference"].(string), "CarePlan?patient=" + strings.TrimPrefix(whom["reference"].(string), "Patient/")} {
		surgery.fhirGet(path).issued(http.StatusForbidden, "ACCESS_DENIED")
	}
	surgery.fhirGet("Task/"+inside).issued(http.StatusNotFound, "RESOURCE_NOT_FOUND")
	charity.fhirGet("Task/"+offered[0]).issued(http.StatusNotFound, "RESOURCE_NOT_FOUND")

	// A service of the directory finds what it is asked.
	south, at := s.as("practitioner", "south"), "Task?owner=HealthcareService/"+directory.ServiceID("QOP", "south").String()
	if found := south.fhirGet(at).found(); len(found) != 1 || found[0]["id"] != inside {
		t.Errorf("south finds %v", found)
	}
	for name, a := range map[string]answer{
		"another organisation":  charity.fhirGet(mine),
		"no partner":            s.with(object{"roles": []string{"practitioner"}, "organisation": "A81001", "services": []string{"north"}}).fhirGet(mine),
		"another service":       north.fhirGet(at),
		"a partner's service":   surgery.fhirGet(at),
		"both ways":             surgery.fhirGet(mine + "&owner=HealthcareService/" + directory.ServiceID("QOP", "south").String()),
		"a person and an owner": surgery.fhirGet(mine + "&patient=" + strings.TrimPrefix(whom["reference"].(string), "Patient/")),
		"another system":        surgery.fhirGet("Task?owner:identifier=Smith%7CA81001"),
		"no code":               surgery.fhirGet("Task?owner:identifier=https://fhir.nhs.uk/Id/ods-organization-code%7C"),
		"no id":                 south.fhirGet("Task?owner=HealthcareService/Smith"),
		"another kind":          south.fhirGet("Goal?owner=HealthcareService/" + directory.ServiceID("QOP", "south").String()),
		"another modifier":      south.fhirGet("Task?owner:missing=true"),
	} {
		a.issued(http.StatusBadRequest, "INVALID_VALUE")
		if strings.Contains(a.raw, "Smith") {
			t.Errorf("%s: the answer repeats what was sent: %s", name, a.raw)
		}
	}
	if n := s.count("SELECT count(DISTINCT person_id) FROM audit_events WHERE operation = 'fhirSearchTask' AND subject = 'partner-of-A81001' AND outcome = 'Done'"); n != 3 {
		t.Errorf("%d people are in the trail of the organisation's searches", n)
	}
}
