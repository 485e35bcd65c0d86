package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/access"
)

// search is one parameter of one search.
type search struct{ path, parameter, role string }

// searches are all parameters of the document's reads and of the FHIR searches.
func searches() (all []search) {
	for _, path := range contract().Paths.InMatchingOrder() {
		op := contract().Paths.Find(path).Get
		if op == nil {
			continue
		}
		concrete := strings.NewReplacer("{id}", uuid.NewString(), "{kind}", "no-key-worker").Replace(path)
		for _, p := range op.Parameters {
			if p.Value.In == openapi3.ParameterInQuery {
				all = append(all, search{concrete, p.Value.Name, string(access.For(access.Operation(op.OperationID)).Roles[0])})
			}
		}
	}
	for kind, parameters := range map[string]string{
		"Patient": "_id", "ServiceRequest": "patient status authored", "EpisodeOfCare": "patient status", "Task": "patient status", "CarePlan": "patient", "Encounter": "patient date",
		"HealthcareService": "name identifier", "Organization": "identifier",
	} {
		for name := range strings.FieldsSeq(parameters + " _count _cursor _lastUpdated") {
			all = append(all, search{"/fhir/R4/" + kind, name, "integration"})
		}
	}
	return all
}

// Whatever somebody looks for, the server answers, and a refusal does not repeat it.
func FuzzSearchParameters(f *testing.F) {
	s := startWithDirectory(f)
	all, tokens := searches(), map[string]string{}
	for _, search := range all {
		if tokens[search.role] == "" {
			tokens[search.role] = s.with(object{"roles": []string{search.role}, "services": []string{"north"}, "organisation": "RXV", "purpose": "direct-care"}).token
		}
	}
	for i := range all {
		for _, value := range []string{"Thistlewaite 9434765919", "\x00", "\xff\xfe", "-1", "99999999999999999999", "2026-02-30", "' OR 1=1 --", "%", "eyJ", strings.Repeat("ü", 3000)} {
			f.Add(uint16(i), value)
		}
	}
	f.Fuzz(func(t *testing.T, which uint16, value string) {
		search := all[int(which)%len(all)]
		a := send(t, http.MethodGet, s.public+search.path+"?"+url.QueryEscape(search.parameter)+"="+url.QueryEscape(value), nil,
			"Authorization", "Bearer "+tokens[search.role], "X-Request-ID", uuid.NewString())
		if a.status >= http.StatusInternalServerError {
			t.Errorf("%s by %s: %d %s", search.path, search.parameter, a.status, a.raw)
		}
		if a.status >= http.StatusBadRequest && len(value) > 8 && strings.Contains(a.raw, value) {
			t.Errorf("%s by %s repeats the value: %s", search.path, search.parameter, a.raw)
		}
	})
}

// Whatever a sender posts, it is taken as a whole or refused, and the answer is an OperationOutcome that repeats nothing personal.
func FuzzIntake(f *testing.F) {
	s := startWithDirectory(f)
	token := s.with(object{"sub": "gp-system", "roles": []string{"integration"}, "purpose": "direct-care"}).token
	owner := s.owner()
	whole, err := json.Marshal(sentReferral())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(whole))
	for _, part := range []string{`"#p"`, `"active"`, `"order"`, `"urgent"`, `"9990000018"`, `"1984-02-29"`, `"Example"`, `["Testperson","Middle"]`, `"GP"`, `"north"`, `"A81001"`, `"Low mood"`} {
		for _, other := range []string{`null`, `""`, `{}`, `[]`, `7`, `"Thistlewaite"`, `"\u0000"`, `[[{}]]`} {
			f.Add(strings.Replace(string(whole), part, other, 1))
		}
	}
	for _, body := range []string{"", "{}", "[]", "null", `{"resourceType":"Bundle"}`, `{"resourceType":"ServiceRequest"}`, `{"resourceType":"ServiceRequest","contained":[null]}`, "{" + string(whole)} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		rows := func() (n int64) {
			const stored = "SELECT (SELECT count(*) FROM people) + (SELECT count(*) FROM referrals) + (SELECT count(*) FROM fhir_intakes)"
			if err := owner.QueryRow(t.Context(), stored).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		before := rows()
		a := send(t, http.MethodPost, s.public+"/fhir/R4/ServiceRequest", body, "Authorization", "Bearer "+token, "Content-Type", "application/fhir+json", "X-Request-ID", uuid.NewString())
		switch {
		case a.status == http.StatusCreated, a.status == http.StatusOK:
		case a.status >= http.StatusInternalServerError:
			t.Errorf("%d %s", a.status, a.raw)
		case rows() != before:
			t.Errorf("refused with %d, and something is stored", a.status)
		case !strings.Contains(a.raw, `"OperationOutcome"`):
			t.Errorf("refused with %d and no OperationOutcome: %s", a.status, a.raw)
		case strings.Contains(a.raw, "9990000018") || strings.Contains(a.raw, "Testperson") || strings.Contains(a.raw, "Thistlewaite"):
			t.Errorf("the answer repeats what was sent: %s", a.raw)
		}
	})
}
