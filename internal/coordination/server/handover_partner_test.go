package server_test

import (
	"net/http"
	"slices"
	"testing"
)

func outside(body object) object {
	body["organisation"], body["odsCode"] = "Example Surgery", "A81001"
	return body
}

// partner is somebody who works for an organisation outside the directory.
func (s *system) partner(odsCode string) caller {
	s.t.Helper()
	return s.with(object{"roles": []string{"partner-practitioner"}, "organisation": odsCode, "sub": "partner-of-" + odsCode})
}

// A receiver outside the directory accepts for itself or through the sender; the sender's closure rests on it.
func TestHandoverOutsideTheDirectory(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	surgery, charity := s.partner("A81001"), s.partner("VCX99")
	episode := north.accepted("north", person("9990000018", "Example"))
	path := "/v1/episodes/" + episode["id"].(string)
	h := north.offer(episode["id"], outside(handover("Down", "Routine")))
	charity.get(h).refused(http.StatusNotFound, "not-found")
	charity.post(h+"/acceptance", object{"name": "x"}).refused(http.StatusNotFound, "not-found")
	if got := s.ids(charity, "/v1/handovers"); len(got) != 0 {
		t.Errorf("another organisation lists %v", got)
	}
	if got := s.ids(surgery, "/v1/handovers?state=Offered"); len(got) != 1 {
		t.Errorf("the organisation lists %v", got)
	}
	if read := surgery.get(h).want(http.StatusOK); read["person"].(object)["nhsNumber"] != "9990000018" {
		t.Errorf("the organisation reads %v", read)
	}
	// It sees the handover and nothing else of the record.
	surgery.get(path).refused(http.StatusForbidden, "forbidden")
	surgery.get("/v1/people/"+episode["personId"].(string)).refused(http.StatusForbidden, "forbidden")
	// Without the role, the claim means nothing.
	s.with(object{"roles": []string{"practitioner"}, "organisation": "A81001"}).get(h).refused(http.StatusNotFound, "not-found")
	surgery.post(h+"/acceptance", object{}).refused(http.StatusUnprocessableEntity, "invalid-request")
	id := h[len("/v1/handovers/"):]
	closure := object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": object{"handover": id}}
	accepted := surgery.post(h+"/acceptance", object{"name": "Dr Example"}).want(http.StatusCreated)
	if a := accepted["acceptance"].(object); a["recordedAs"] != "Receiver" || a["organisation"] != "Example Surgery" || a["on"] != day(0) {
		t.Errorf("accepted: %v", a)
	}
	if read := north.get(path).want(http.StatusOK); read["responsibleService"] != "north" || read["state"] != "Open" {
		t.Errorf("the sender's episode: %v", read)
	}
	surgery.post(h+"/arrival", object{"on": day(0)}).want(http.StatusCreated)
	closed := north.post(path+"/closure", closure).want(http.StatusCreated)
	if c := closed["closure"].(object); c["receiver"] != "Dr Example" || c["organisation"] != "Example Surgery" || c["handoverId"] != id {
		t.Errorf("closure: %v", c)
	}
	surgery.get(h).want(http.StatusOK) // its own person now

	// On its behalf: name, day and channel are needed.
	other := north.accepted("north", person("9990000026", "Other"))
	h = north.offer(other["id"], object{"direction": "Down", "urgency": "Routine", "reason": "x", "summary": "x", "organisation": "Example Charity"})
	said := object{"name": "Sam", "on": day(0), "channel": "Phone"}
	for field, location := range map[string]string{"name": "body.name", "on": "body.on", "channel": "body.channel"} {
		body := object{}
		for name, value := range said {
			if name != field {
				body[name] = value
			}
		}
		refused := north.post(h+"/acceptance", body).refused(http.StatusUnprocessableEntity, "invalid-request")
		if got := refused["errors"].([]any)[0].(object)["location"]; got != location {
			t.Errorf("without %s: %v", field, refused)
		}
	}
	closure["acceptance"] = object{"handover": h[len("/v1/handovers/"):]}
	if accepted := north.post(h+"/acceptance", said).want(http.StatusCreated)["acceptance"].(object); accepted["recordedAs"] != "OnBehalf" || accepted["organisation"] != "Example Charity" {
		t.Errorf("on its behalf: %v", accepted)
	}
	// The acceptance counts for its own episode only.
	third := north.accepted("north", person("9990000034", "Third"))
	if got := missing(north.post("/v1/episodes/"+third["id"].(string)+"/closure", closure).refused(http.StatusUnprocessableEntity, "closure-incomplete")); !slices.Equal(got, []string{"acceptance"}) {
		t.Errorf("another's acceptance: %v", got)
	}
	app := s.app("test-subject", "north")
	if _, err := app.Exec(t.Context(), "INSERT INTO return_plans (episode_id, summary, how_to_return, valid_until, recorded_by) VALUES ($1, 'x', 'x', current_date, 'test-subject')", third["id"]); err != nil {
		t.Fatal(err)
	}
	const insert = `INSERT INTO closures (episode_id, reason, basis, recorded_as, receiver_name, receiver_organisation, agreed_on, channel, handover_id, recorded_by)
		VALUES ($1, 'SupportElsewhere', 'Acceptance', 'OnBehalf', 'x', 'x', current_date, 'Phone', $2, 'test-subject')`
	if _, err := app.Exec(t.Context(), insert, third["id"], h[len("/v1/handovers/"):]); code(err) != "CM004" {
		t.Errorf("another's acceptance in SQL: %v", err)
	}
	north.post("/v1/episodes/"+other["id"].(string)+"/closure", closure).want(http.StatusCreated)
}

// Who works for two organisations gets, under the same key, no answer that was for the other.
func TestPartnerKeysBelongToTheOrganisation(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	h := north.offer(north.accepted("north", person("9990000018", "Example"))["id"], outside(handover("Down", "Routine")))
	accept := func(odsCode string) answer {
		c := s.with(object{"roles": []string{"partner-practitioner"}, "organisation": odsCode, "sub": "of-both"})
		return c.post(h+"/acceptance", object{"name": "Sam"}, "Idempotency-Key", "same")
	}
	accept("A81001").want(http.StatusCreated)
	accept("A81001").want(http.StatusCreated)
	accept("VCX99").refused(http.StatusUnprocessableEntity, "idempotency-key-reused")
}

func TestPartnerDeclines(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, surgery := s.as("practitioner", "north"), s.partner("A81001")
	episode := north.accepted("north", person("9990000018", "Example"))
	h := north.offer(episode["id"], outside(handover("Down", "Routine")))
	surgery.post(h+"/decline", object{"reason": "Not registered here"}).refused(http.StatusUnprocessableEntity, "invalid-request")
	declined := surgery.post(h+"/decline", object{"reason": "Not registered here", "alternative": "The practice in Hill Street"}).want(http.StatusCreated)
	if declined["state"] != "Declined" {
		t.Errorf("declined: %v", declined)
	}
	if n := s.count("SELECT count(*) FROM handovers WHERE partner_sees_until > now() + interval '89 days'"); n != 1 {
		t.Error("the organisation sees the person without end")
	}
	if _, err := s.owner().Exec(t.Context(), "UPDATE handovers SET partner_sees_until = now() - interval '1 day'"); err != nil {
		t.Fatal(err)
	}
	surgery.get(h).refused(http.StatusNotFound, "not-found")
}
