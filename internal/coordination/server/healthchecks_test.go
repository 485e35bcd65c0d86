package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
)

func healthChecksOf(episode object) string {
	return "/v1/people/" + episode["personId"].(string) + "/health-checks"
}

func fullCheck(on string) object {
	return object{
		"measuredOn": on, "alcohol": object{"auditC": 3}, "glucose": object{"hba1c": 41}, "bloodPressure": object{"systolic": 128, "diastolic": 79},
		"bodyMass": object{"bmi": 27.4, "weightKg": 81.5}, "lipids": object{"totalCholesterol": 4.9, "hdl": 1.3}, "smoking": object{"status": "Former"},
	}
}

// Facts a7: complete is all six within twelve months; what was declined is on record and keeps it from being complete.
func TestHealthCheck(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller := s.as("practitioner", "north")
	episode := caller.acceptedSince("north", person("9990000018", "Example"), 500)
	path := healthChecksOf(episode)
	status := func() object { t.Helper(); return caller.get(path + "/status").want(http.StatusOK) }
	if body := status(); body["complete"] != false || len(body["lacking"].([]any)) != 6 {
		t.Errorf("at first: %v", body)
	}
	caller.post(path, fullCheck(day(-400))).want(http.StatusCreated)
	if body := status(); body["complete"] != false || body["elements"].([]any)[0].(object)["state"] != "Due" {
		t.Errorf("after more than a year: %v", body)
	}
	five := fullCheck(day(-2))
	delete(five, "lipids")
	five["declined"] = []string{"Lipids"}
	recorded := caller.post(path, five).want(http.StatusCreated)["items"].([]any)
	if len(recorded) != 6 || recorded[2].(object)["systolic"] != 128.0 || recorded[3].(object)["bmi"] != 27.4 || recorded[5].(object)["declined"] != true {
		t.Errorf("recorded: %v", recorded)
	}
	if body := status(); body["complete"] != false || !slices.Equal(body["lacking"].([]any), []any{"Lipids"}) || body["elements"].([]any)[4].(object)["state"] != "Declined" {
		t.Errorf("with one declined: %v", body)
	}
	lipids := caller.post(path, object{"measuredOn": day(0), "lipids": object{"totalCholesterol": 5.0}}).want(http.StatusCreated)["items"].([]any)[0].(object)
	if body := status(); body["complete"] != true || len(body["lacking"].([]any)) != 0 {
		t.Errorf("complete: %v", body)
	}
	mark := "/v1/health-check-elements/" + lipids["id"].(string) + "/entered-in-error"
	caller.post(mark, nil).refused(http.StatusPreconditionRequired, "precondition-required")
	marked := caller.post(mark, nil, "If-Match", fmt.Sprintf(`W/"%v"`, lipids["version"]))
	if marked.want(http.StatusOK)["enteredInError"] != true {
		t.Errorf("marked: %s", marked.raw)
	}
	caller.post(mark, nil, "If-Match", marked.header.Get("ETag")).refused(http.StatusConflict, "state-conflict")
	if body := status(); body["complete"] != false {
		t.Errorf("what was in error counts: %v", body)
	}
	if items := caller.get(path + "?limit=100").want(http.StatusOK)["items"].([]any); len(items) != 13 {
		t.Errorf("%d elements in the list, want 13", len(items))
	}
	other := s.as("practitioner", "south")
	for _, hidden := range []answer{other.get(path), other.get(path + "/status"), other.post(path, fullCheck(day(0))), other.post(mark, nil)} {
		hidden.refused(http.StatusNotFound, "not-found")
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE operation = 'recordHealthCheck' AND outcome = 'Done' AND person_id = $1", episode["personId"]); n != 13 {
		t.Errorf("%d rows in the audit trail, want one for each element", n)
	}
}

func TestHealthCheckInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller := s.as("practitioner", "north")
	path := healthChecksOf(caller.acceptedSince("north", person("9990000018", "Example"), 10))
	with := func(name string, value any) object { return object{"measuredOn": day(0), name: value} }
	for name, test := range map[string]struct {
		body     any
		location string
	}{
		"nothing measured":         {object{"measuredOn": day(0)}, "body"},
		"tomorrow":                 {fullCheck(day(1)), "body.measuredOn"},
		"no such day":              {fullCheck("2026-02-30"), "body.measuredOn"},
		"AUDIT-C of 13":            {with("alcohol", object{"auditC": 13}), "body.alcohol.auditC"},
		"HbA1c in per cent":        {with("glucose", object{"hba1c": 6}), "body.glucose.hba1c"},
		"neither kind of sugar":    {with("glucose", object{}), "body.glucose"},
		"glucose in mg/dL":         {with("glucose", object{"glucose": 99}), "body.glucose.glucose"},
		"pressures the wrong way":  {with("bloodPressure", object{"systolic": 80, "diastolic": 120}), "body.bloodPressure.diastolic"},
		"no diastolic":             {with("bloodPressure", object{"systolic": 120}), "body.bloodPressure"},
		"pressure of a giraffe":    {with("bloodPressure", object{"systolic": 301, "diastolic": 120}), "body.bloodPressure.systolic"},
		"neither weight nor index": {with("bodyMass", object{}), "body.bodyMass"},
		"weight in stones":         {with("bodyMass", object{"weightKg": 12}), "body.bodyMass.weightKg"},
		"index of 121":             {with("bodyMass", object{"bmi": 121}), "body.bodyMass.bmi"},
		"a part above the whole":   {with("lipids", object{"totalCholesterol": 3, "hdl": 4}), "body.lipids.hdl"},
		"cholesterol in mg/dL":     {with("lipids", object{"totalCholesterol": 190}), "body.lipids.totalCholesterol"},
		"sometimes":                {with("smoking", object{"status": "Sometimes"}), "body.smoking.status"},
		"an unknown element":       {with("declined", []string{"Cholesterol"}), "body.declined[0]"},
		"declined and measured":    {object{"measuredOn": day(0), "alcohol": object{"auditC": 1}, "declined": []string{"Smoking", "Alcohol"}}, "body.declined[1]"},
		"another's service":        {object{"measuredOn": day(0), "alcohol": object{"auditC": 1}, "service": "south"}, "body.service"},
		"an unknown field":         {with("pulse", 60), "body.…"},
	} {
		t.Run(name, func(t *testing.T) {
			wantField(t, caller.post(path, test.body).refused(http.StatusUnprocessableEntity, "invalid-request"), test.location)
		})
	}
	if n := s.count("SELECT count(*) FROM health_check_elements"); n != 0 {
		t.Errorf("refused requests left %d rows", n)
	}
}

func TestAppRoleCannotBreakHealthChecks(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller := s.as("practitioner", "north")
	episode := caller.accepted("north", person("9990000018", "Example"))
	caller.post(healthChecksOf(episode), object{"measuredOn": day(0), "alcohol": object{"auditC": 1}}).want(http.StatusCreated)
	hidden := s.as("practitioner", "south").accepted("south", person("9990000026", "Hidden"))
	app := s.app("test-subject", "north")
	insert := func(columns, values string) string {
		return fmt.Sprintf("INSERT INTO health_check_elements (id, person_id, service_id, recorded_by, measured_on, %s) VALUES (gen_random_uuid(), '%s', '%s', 'test-subject', current_date, %s)",
			columns, episode["personId"], north, values)
	}
	for name, test := range map[string]struct{ sql, want string }{
		"AUDIT-C of 13":           {insert("element, audit_c", "'Alcohol', 13"), "23514"},
		"no value":                {insert("element", "'Alcohol'"), "23514"},
		"another's value":         {insert("element, audit_c, smoking", "'Alcohol', 3, 'Never'"), "23514"},
		"a value declined":        {insert("element, audit_c, declined", "'Alcohol', 3, true"), "23514"},
		"half a pressure":         {insert("element, systolic", "'BloodPressure', 120"), "23514"},
		"pressures the wrong way": {insert("element, systolic, diastolic", "'BloodPressure', 80, 120"), "23514"},
		"HbA1c in per cent":       {insert("element, hba1c", "'Glucose', 6"), "23514"},
		"a part above the whole":  {insert("element, total_cholesterol, hdl", "'Lipids', 3, 4"), "23514"},
		"a seventh element":       {insert("element, declined", "'Weight', true"), "23514"},
		"in another's name":       {fmt.Sprintf("INSERT INTO health_check_elements (id, person_id, service_id, recorded_by, measured_on, element, audit_c) VALUES (gen_random_uuid(), '%s', '%s', 'somebody', current_date, 'Alcohol', 1)", episode["personId"], north), "42501"},
		"tomorrow":                {fmt.Sprintf("INSERT INTO health_check_elements (id, person_id, service_id, recorded_by, measured_on, element, audit_c) VALUES (gen_random_uuid(), '%s', '%s', 'test-subject', current_date + 1, 'Alcohol', 1)", episode["personId"], north), "23514"},
		"of a hidden person":      {fmt.Sprintf("INSERT INTO health_check_elements (id, person_id, service_id, recorded_by, measured_on, element, audit_c) VALUES (gen_random_uuid(), '%s', '%s', 'test-subject', current_date, 'Alcohol', 1)", hidden["personId"], north), "42501"},
		"change a value":          {"UPDATE health_check_elements SET audit_c = 2", "42501"},
		"delete a value":          {"DELETE FROM health_check_elements", "42501"},
		"in error for another":    {"UPDATE health_check_elements SET entered_in_error_by = 'somebody'", "42501"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := app.Exec(t.Context(), test.sql); code(err) != test.want {
				t.Errorf("got %v, want code %s", err, test.want)
			}
		})
	}
	s.byOwner("UPDATE people SET died_on = $2::date, death_source = 'GP' WHERE id = $1", episode["personId"], day(-3))
	caller.post(healthChecksOf(episode), fullCheck(day(0))).refused(http.StatusConflict, "person-died")
	if _, err := app.Exec(t.Context(), insert("element, audit_c", "'Alcohol', 1")); code(err) != "CM005" {
		t.Errorf("after death, in SQL: %v", err)
	}
}
