package upgrade

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/london"
)

type object = map[string]any

// course is what became of one person, as the program answered it.
type course struct {
	person, referral, episode string
	closed                    bool
	at                        time.Time
}

// record is everything that was answered.
type record struct {
	mu       sync.Mutex
	courses  []course
	requests atomic.Int64
}

func (r *record) add(c course) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.courses = append(r.courses, c)
}

func (r *record) all() []course {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]course(nil), r.courses...)
}

func (r *record) since(at time.Time) (n int) {
	for _, c := range r.all() {
		if c.at.After(at) {
			n++
		}
	}
	return n
}

func (r *record) awaitMore(t *testing.T, when string, n int) {
	t.Helper()
	from := len(r.all())
	eventually(t, "people to come through "+when, func() bool { return t.Failed() || len(r.all()) >= from+n })
	if t.Failed() {
		t.FailNow()
	}
}

// caller is a practitioner of the service north at one program.
type caller struct {
	api, token string
}

func (n *tenant) caller(t *testing.T, address string) caller {
	t.Helper()
	token := n.provider.Token(t, object{"aud": "cmhf-qop", "ics": "QOP", "sub": subject, "roles": []string{"practitioner"}, "services": []string{"north"}})
	return caller{api: "http://" + address, token: token}
}

var client = &http.Client{Timeout: time.Minute}

// do asks once: whatever else is answered is a failure.
func (c caller) do(t *testing.T, method, path string, body any, want int, headers ...string) (answer object, header http.Header) {
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Error(err)
		return nil, nil
	}
	request, err := http.NewRequestWithContext(t.Context(), method, c.api+path, bytes.NewReader(encoded))
	if err != nil {
		t.Error(err)
		return nil, nil
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return nil, nil
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != want {
		t.Errorf("%s %s: status %d, want %d: %s %v", method, path, response.StatusCode, want, raw, err)
		return nil, nil
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Errorf("%s %s: %v: %s", method, path, err, raw)
		return nil, nil
	}
	return answer, response.Header
}

func text(o object, name string) string {
	s, _ := o[name].(string)
	return s
}

func day(later int) string {
	return london.Today(time.Now()).AddDate(0, 0, later).Format(time.DateOnly)
}

// closure ends an episode with support in place.
func closure() object {
	return object{
		"reason":     "SupportElsewhere",
		"returnPlan": object{"summary": "Made-up plan", "howToReturn": "Call or walk in", "validUntil": day(365)},
		"acceptance": object{"recordedBy": "OnBehalf", "name": "Peer support worker", "organisation": "A community charity", "on": day(0), "channel": "Phone"},
	}
}

// work takes one new person after the other from the referral to the episode, and every other one to its closure, until it is stopped or
// anything is not answered as it should be.
func work(t *testing.T, stop <-chan struct{}, c caller, done *record) {
	do := func(method, path string, body any, want int) object {
		if t.Failed() {
			return nil
		}
		answer, _ := c.do(t, method, path, body, want)
		done.requests.Add(1)
		return answer
	}
	for n := 0; !t.Failed(); n++ {
		select {
		case <-stop:
			return
		default:
		}
		who := object{"nhsNumberAbsentReason": "NotKnownYet", "familyName": uuid.NewString(), "givenName": "Testperson", "birthDate": "1984-02-29"}
		made := do(http.MethodPost, "/v1/referrals", object{"person": who, "service": "north", "route": "Self", "reason": "Made-up reason", "receivedOn": day(0)}, http.StatusCreated)
		one := course{person: text(made, "personId"), referral: text(made, "id"), closed: n%2 == 1}
		do(http.MethodGet, "/v1/referrals/"+one.referral, nil, http.StatusOK)
		do(http.MethodGet, "/v1/people/"+one.person, nil, http.StatusOK)
		one.episode = text(do(http.MethodPost, "/v1/referrals/"+one.referral+"/acceptance", nil, http.StatusCreated), "id")
		do(http.MethodGet, "/v1/episodes/"+one.episode, nil, http.StatusOK)
		if one.closed {
			do(http.MethodPost, "/v1/episodes/"+one.episode+"/closure", closure(), http.StatusCreated)
		}
		if one.at = time.Now(); !t.Failed() {
			done.add(one)
		}
	}
}

// check reads what was answered from a program, which may be another than wrote it.
func (o course) check(t *testing.T, c caller) {
	t.Helper()
	state := map[bool]string{true: "Closed", false: "Open"}[o.closed]
	if r, _ := c.do(t, http.MethodGet, "/v1/referrals/"+o.referral, nil, http.StatusOK); r["state"] != "Accepted" || r["personId"] != o.person || r["reason"] != "Made-up reason" {
		t.Errorf("%+v: the referral is %v", o, r)
	}
	if e, _ := c.do(t, http.MethodGet, "/v1/episodes/"+o.episode, nil, http.StatusOK); e["state"] != state || e["personId"] != o.person {
		t.Errorf("%+v: the episode is %v", o, e)
	}
	if p, _ := c.do(t, http.MethodGet, "/v1/people/"+o.person, nil, http.StatusOK); p["givenName"] != "Testperson" || p["birthDate"] != "1984-02-29" {
		t.Errorf("%+v: the person is %v", o, p)
	}
}

// goesOn does with the first records, which the released program wrote on its own schema, what only the new program can do, and closes them.
func goesOn(t *testing.T, c caller, courses []course) {
	t.Helper()
	for _, o := range courses[:10] {
		if o.closed {
			continue
		}
		path := "/v1/episodes/" + o.episode
		_, header := c.do(t, http.MethodGet, path, nil, http.StatusOK)
		c.do(t, http.MethodPut, path+"/key-worker", object{"subject": "kim", "name": "Kim Example", "role": "Nurse", "since": day(0)}, http.StatusOK, "If-Match", header.Get("ETag"))
		c.do(t, http.MethodPost, path+"/closure", closure(), http.StatusCreated)
	}
}
