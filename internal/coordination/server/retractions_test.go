package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

func TestRetractedReferralLeavesEverything(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, lead, officer := s.as("practitioner", "north"), s.as("service-lead", "north"), s.officer()
	wrong := north.refer("north", person("9990000018", "Wrong"))
	path := "/v1/referrals/" + wrong["id"].(string)
	reader := s.with(object{"roles": []string{"practitioner"}, "services": []string{"north"}, "sub": "somebody-else"})
	reader.get(path).want(http.StatusOK)
	reader.get("/v1/referrals").want(http.StatusOK)

	s.as("service-lead", "south").post(path+"/retraction", object{"reason": "WrongPerson"}).refused(http.StatusNotFound, "not-found")
	retraction := lead.post(path+"/retraction", object{"reason": "WrongPerson"}).want(http.StatusCreated)
	if retraction["readersCount"] != 2.0 || retraction["readers"] != nil || retraction["resourceId"] != wrong["id"] {
		t.Errorf("the retraction as the lead gets it: %v", retraction)
	}
	lead.post(path+"/retraction", object{"reason": "WrongPerson"}).refused(http.StatusNotFound, "not-found") // not theirs to see any more
	officer.post(path+"/retraction", object{"reason": "WrongPerson"}).refused(http.StatusConflict, "state-conflict")

	// The row stays and is nowhere: no access, no list, no figure.
	if n := s.count("SELECT count(*) FROM referrals WHERE id = $1 AND state = 'EnteredInError'", wrong["id"]); n != 1 {
		t.Error("the row is gone")
	}
	north.get(path).refused(http.StatusNotFound, "not-found")
	north.get("/v1/people/"+wrong["personId"].(string)).refused(http.StatusNotFound, "not-found")
	if n := s.count("SELECT people_referred + waiting FROM at_a_glance($1, $1)", day(0)); n != 0 {
		t.Errorf("figures count it: %d", n)
	}
	right := referral("north", person("9990000026", "Right"))
	right["correctionOf"] = wrong["id"]
	corrected := north.post("/v1/referrals", right).want(http.StatusCreated)
	if r := north.get("/v1/referrals/" + corrected["id"].(string)).want(http.StatusOK); r["correctionOf"] != wrong["id"] {
		t.Errorf("the referral that puts it right: %v", r)
	}
	if items := north.get("/v1/referrals").want(http.StatusOK)["items"].([]any); len(items) != 1 {
		t.Errorf("the list: %v", items)
	}
	// Who had read it.
	list := officer.get("/v1/retractions").want(http.StatusOK)["items"].([]any)
	if len(list) != 1 || list[0].(object)["id"] != retraction["id"] {
		t.Fatalf("retractions: %v", list)
	}
	readers := officer.get("/v1/retractions/" + retraction["id"].(string)).want(http.StatusOK)["readers"].([]any)
	i := slices.IndexFunc(readers, func(r any) bool { return r.(object)["subject"] == "somebody-else" })
	if i < 0 || readers[i].(object)["times"] != 2.0 || !slices.Equal(readers[i].(object)["services"].([]any), []any{"north"}) {
		t.Errorf("readers: %v", readers)
	}
	if a := s.as("auditor").get("/v1/retractions/" + retraction["id"].(string)).want(http.StatusOK); len(a["readers"].([]any)) < 2 {
		t.Errorf("the auditor gets %v", a)
	}
	officer.get("/v1/retractions/"+uuid.NewString()).refused(http.StatusNotFound, "not-found")
}

// Who still sees the person by another way reads the referral for what it is, and lists are without it.
func TestRetractedReferralIsReadableForWhatItIs(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, lead := s.as("practitioner", "north"), s.as("service-lead", "north")
	who := person("9990000018", "Example")
	first, twice := north.refer("north", who), north.refer("north", who)
	path := "/v1/referrals/" + twice["id"].(string)
	lead.post(path+"/retraction", object{"reason": "RecordedTwice"}).want(http.StatusCreated)
	if r := north.get(path).want(http.StatusOK); r["state"] != "EnteredInError" {
		t.Errorf("referral: %v", r)
	}
	if items := north.get("/v1/referrals").want(http.StatusOK)["items"].([]any); len(items) != 1 || items[0].(object)["id"] != first["id"] {
		t.Errorf("the list: %v", items)
	}
	north.post(path+"/acceptance", nil).refused(http.StatusConflict, "state-conflict")
	// The lead of a service that has nothing to do with it sees it and has no say.
	s.as("practitioner", "south").refer("south", who)
	s.as("service-lead", "south").post("/v1/referrals/"+first["id"].(string)+"/retraction", object{"reason": "OtherError"}).refused(http.StatusForbidden, "not-your-service")
}

func TestRetractedEpisodeTakesItsReferralsWithIt(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, lead, officer := s.as("practitioner", "north"), s.as("service-lead", "north"), s.officer()
	who := person("9990000018", "Example")
	only := north.refer("north", who)
	episode := north.post("/v1/referrals/"+only["id"].(string)+"/acceptance", nil).want(http.StatusCreated)
	lead.post("/v1/referrals/"+only["id"].(string)+"/retraction", object{"reason": "WrongPerson"}).refused(http.StatusConflict, "state-conflict")
	second := north.accepted("north", who)
	if second["id"] != episode["id"] {
		t.Fatal("the second referral has an episode of its own")
	}
	lead.post("/v1/referrals/"+only["id"].(string)+"/retraction", object{"reason": "RecordedTwice"}).want(http.StatusCreated)
	path := "/v1/episodes/" + episode["id"].(string)
	north.post(path+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	s.as("service-lead", "south").post(path+"/retraction", object{"reason": "WrongPerson"}).refused(http.StatusNotFound, "not-found")
	officer.post(path+"/retraction", object{"reason": "WrongPerson"}).want(http.StatusCreated)
	if n := s.count("SELECT (SELECT count(*) FROM episodes WHERE state = 'EnteredInError') + (SELECT count(*) FROM referrals WHERE state = 'EnteredInError') + (SELECT count(*) FROM retractions)"); n != 6 {
		t.Errorf("%d rows of one episode, two referrals and three retractions", n)
	}
	north.get(path).refused(http.StatusNotFound, "not-found")
	if items := north.get("/v1/episodes").want(http.StatusOK)["items"].([]any); len(items) != 0 {
		t.Errorf("the list: %v", items)
	}
	if n := s.count("SELECT people_referred + open_episodes + supported_closures FROM at_a_glance($1, $1)", day(0)); n != 0 {
		t.Errorf("figures count it: %d", n)
	}
	// What it was before is on record.
	if n := s.count("SELECT count(*) FROM retractions WHERE kind = 'Episode' AND before->>'state' = 'Closed' AND before->>'closedAt' IS NOT NULL"); n != 1 {
		t.Error("the retraction does not say what the episode was")
	}
	if again := north.accepted("north", who); again["id"] == episode["id"] {
		t.Error("a new referral is accepted into the episode entered in error")
	}
}

func TestBadRetractions(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, lead := s.as("practitioner", "north"), s.as("service-lead", "north")
	r := north.refer("north", person("9990000018", "Example"))
	for name, body := range map[string]any{
		"no reason": object{}, "unknown reason": object{"reason": "9434765919"}, "unknown field": object{"reason": "WrongPerson", "note": "9434765919"}, "a list": "[]",
	} {
		a := lead.post("/v1/referrals/"+r["id"].(string)+"/retraction", body)
		a.refused(http.StatusUnprocessableEntity, "invalid-request")
		if strings.Contains(a.raw, "9434765919") {
			t.Errorf("%s: the answer repeats the value: %s", name, a.raw)
		}
	}
	// A referral can only correct one that is in error, and that the sender had to do with: the answer would tell that it exists.
	hidden := s.as("practitioner", "south").refer("south", person("9990000026", "Hidden"))
	s.officer().post("/v1/referrals/"+hidden["id"].(string)+"/retraction", object{"reason": "WrongPerson"}).want(http.StatusCreated)
	stranger := s.with(object{"roles": []string{"practitioner"}, "services": []string{"north"}, "sub": "a-stranger"})
	for name, id := range map[string]any{"one in force": r["id"], "nothing": uuid.NewString(), "another's": hidden["id"]} {
		body := referral("north", person("9990000034", "Right"))
		body["correctionOf"] = id
		refused := stranger.post("/v1/referrals", body).refused(http.StatusUnprocessableEntity, "invalid-request")
		if fields := refused["errors"].([]any); fields[0].(object)["location"] != "body.correctionOf" {
			t.Errorf("%s: %v", name, refused)
		}
	}
	if n := s.count("SELECT (SELECT count(*) FROM retractions) + (SELECT count(*) FROM referrals)"); n != 3 {
		t.Errorf("%d rows, want two referrals and a retraction", n)
	}
}

func TestRetractionsAsAppRole(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	atNorth := s.as("practitioner", "north")
	r := atNorth.refer("north", person("9990000018", "Example"))
	gone := atNorth.refer("north", person("9990000018", "Example"))
	episode := atNorth.accepted("north", person("9990000026", "Other"))
	hidden := s.as("practitioner", "south").refer("south", person("9990000034", "Hidden"))
	s.officer().post("/v1/referrals/"+gone["id"].(string)+"/retraction", object{"reason": "RecordedTwice"}).want(http.StatusCreated)
	practitioner, lead, officer := s.appIn("practitioner", "test-subject", "north"), s.appIn("service-lead", "test-subject", "north"), s.appIn("records-officer", "test-subject")
	insert := "INSERT INTO retractions (id, kind, resource_id, reason, retracted_by) VALUES (gen_random_uuid(), "
	for name, test := range map[string]struct {
		conn *pgx.Conn
		sql  string
		args []any
		want string
	}{
		"as a practitioner":      {practitioner, insert + "'Referral', $1, 'WrongPerson', 'test-subject')", []any{r["id"]}, "42501"},
		"another's referral":     {lead, insert + "'Referral', $1, 'WrongPerson', 'test-subject')", []any{hidden["id"]}, "42501"},
		"in another's name":      {lead, insert + "'Referral', $1, 'WrongPerson', 'somebody')", []any{r["id"]}, "42501"},
		"for no known reason":    {lead, insert + "'Referral', $1, 'DidNotAttend', 'test-subject')", []any{r["id"]}, "23514"},
		"what does not exist":    {officer, insert + "'Referral', $1, 'WrongPerson', 'test-subject')", []any{uuid.NewString()}, "CM024"},
		"an episode as referral": {officer, insert + "'Referral', $1, 'WrongPerson', 'test-subject')", []any{episode["id"]}, "CM024"},
		"twice":                  {officer, insert + "'Referral', $1, 'WrongPerson', 'test-subject')", []any{gone["id"]}, "CM024"},
		"by hand":                {practitioner, "UPDATE referrals SET state = 'EnteredInError', outcome_by = 'test-subject', outcome_at = now() WHERE id = $1", []any{r["id"]}, "CM002"},
		"back by hand":           {practitioner, "UPDATE referrals SET state = 'Open', outcome_by = 'test-subject', outcome_at = NULL WHERE id = $1", []any{gone["id"]}, "CM002"},
		"on by hand":             {practitioner, "UPDATE referrals SET outcome_by = 'test-subject', outcome_at = now() - interval '1 day' WHERE id = $1", []any{gone["id"]}, "CM002"},
		"rewrite one":            {officer, "UPDATE retractions SET reason = 'OtherError'", nil, "42501"},
		"delete one":             {officer, "DELETE FROM retractions", nil, "42501"},
		"choose the readers":     {officer, "INSERT INTO retractions (id, kind, resource_id, reason, retracted_by, readers) VALUES (gen_random_uuid(), 'Referral', $1, 'WrongPerson', 'test-subject', 0)", []any{r["id"]}, "42501"},
		"correct one in force": {practitioner, `INSERT INTO referrals (id, person_id, service_id, responsible_service_id, route, reason, received_on, recorded_by, correction_of)
			VALUES (gen_random_uuid(), $1, $2, $2, 'Self', 'x', current_date, 'test-subject', $3)`, []any{r["personId"], north, r["id"]}, "CM025"},
		"list readers": {officer, "SELECT * FROM readers_of($1, $2)", []any{r["personId"], r["id"]}, "42501"},
	} {
		if _, err := test.conn.Exec(t.Context(), test.sql, test.args...); code(err) != test.want {
			t.Errorf("%s: got %v, want code %s", name, err, test.want)
		}
	}
	for name, conn := range map[string]*pgx.Conn{"practitioner": practitioner, "lead": lead} {
		var n int
		if err := conn.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM retractions) + (SELECT count(*) FROM retractions x, retraction_readers(x.id))").Scan(&n); err != nil || n != 0 {
			t.Errorf("the %s sees %d rows (%v)", name, n, err)
		}
	}
	if n := s.count("SELECT count(*) FROM retractions"); n != 1 {
		t.Errorf("%d retractions, want one", n)
	}
}
