package fhir

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
)

// searchParam is one by which a kind is searched.
type searchParam struct{ name, kind, doc string }

var patientParams = []searchParam{
	{"patient", "reference", "The person, as Patient/id or id. Needed."},
	{"subject", "reference", "The same as patient."},
}

const (
	defaultCount = 25
	maximumCount = 100
)

// search is what is sought.
type search struct {
	person uuid.UUID
	owner  owner
	after  page.Position
	count  int
	values url.Values
}

// searchOf reads a search from the address or, posted, from the form, which then says all: parameters in both would be two searches.
func searchOf(in rest.Request, params []searchParam) (search, error) {
	values, at, err := parameters(in)
	if err != nil {
		return search{}, err
	}
	for name, all := range values {
		known := slices.ContainsFunc(params, func(p searchParam) bool { return p.name == name || (p == ownerParam && name == ownerByIdentifier) })
		if !known && name != "_count" && name != "_format" && name != "_page" {
			return search{}, problem.InvalidField(at, "this server does not search by one of the parameters; metadata lists those that it knows") // whose name may be a value
		}
		if len(all) > 1 {
			return search{}, problem.InvalidField(at+"."+name, "give it once")
		}
	}
	wanted := search{count: defaultCount, values: values}
	if wanted.after, err = page.Decode(""); err != nil {
		return search{}, err
	}
	if count := values.Get("_count"); count != "" {
		if wanted.count, err = strconv.Atoi(count); err != nil || wanted.count < 1 || wanted.count > maximumCount {
			return search{}, problem.InvalidField(at+"._count", "give a number from 1 to %d", maximumCount)
		}
	}
	if !slices.ContainsFunc(params, func(p searchParam) bool { return p.name == "patient" }) {
		if values.Has("_page") {
			return search{}, problem.InvalidField(at+"._page", "this search has one page")
		}
		return wanted, nil
	}
	if token := values.Get("_page"); token != "" {
		if values.Has("patient") || values.Has("subject") || sayOwner(values) {
			return search{}, problem.InvalidField(at+"._page", "follow the link next unchanged")
		}
		if err := wanted.turn(at, token); err != nil || wanted.owner == (owner{}) || slices.Contains(params, ownerParam) {
			return wanted, err
		}
		return search{}, problem.InvalidField(at+"._page", "follow the link next unchanged")
	}
	if sayOwner(values) {
		return wanted, wanted.ownedBy(at)
	}
	patient := values.Get("patient")
	if patient == "" {
		patient = values.Get("subject")
	} else if values.Has("subject") {
		return search{}, problem.InvalidField(at+".subject", "give either patient or subject")
	}
	if patient == "" {
		return search{}, lacking(at+".patient", "say whose records are sought, as Patient/id")
	}
	if wanted.person, err = uuid.Parse(strings.TrimPrefix(patient, "Patient/")); err != nil {
		return search{}, problem.InvalidField(at+".patient", "give Patient/ and the id of a person on this server")
	}
	return wanted, nil
}

func parameters(in rest.Request) (values url.Values, at string, err error) {
	if in.Method == http.MethodGet {
		values, err := url.ParseQuery(in.URL.RawQuery)
		if err != nil {
			return nil, "", problem.InvalidField("query", "the address is not well-formed")
		}
		return values, "query", nil
	}
	if err := carries(in.Request, "application/x-www-form-urlencoded"); err != nil {
		return nil, "", err
	}
	if in.URL.RawQuery != "" {
		return nil, "", problem.InvalidField("query", "send all parameters in the form")
	}
	if values, err = url.ParseQuery(string(in.Body)); err != nil {
		return nil, "", problem.InvalidField("form", "the form is not well-formed")
	}
	return values, "form", nil
}

// A page's token is the person or the owner, the count and the position after which the page begins. It is opaque, so that links say nothing.

func (s search) tokenAfter(last Stamp) string {
	raw := append(s.person[:], byte(s.count))
	if s.owner != (owner{}) {
		raw = append(append(s.owner.service[:], byte(s.count)), s.owner.organisation...)
		raw = append(raw, ownerMark)
	}
	return base64.RawURLEncoding.EncodeToString(raw) + "." + page.Encode(page.Position{At: last.At, ID: last.ID})
}

func (s *search) turn(at, token string) error {
	head, cursor, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(head)
	if err == nil && cursor != "" && len(raw) >= 17 && raw[16] >= 1 && raw[16] <= maximumCount {
		s.after, err = page.Decode(cursor)
		s.count = int(raw[16])
		switch {
		case err != nil:
		case len(raw) == 17:
			s.person = uuid.UUID(raw[:16])
			return nil
		case raw[len(raw)-1] == ownerMark:
			s.owner = owner{service: uuid.UUID(raw[:16]), organisation: string(raw[17 : len(raw)-1])}
			return nil
		}
	}
	return problem.InvalidField(at+"._page", "follow the link next unchanged")
}

// results are what a search found.
type results struct {
	in      rest.Request
	kind    string
	entries []entry
	next    string
}

func (f *results) add(id string, resource any) {
	f.entries = append(f.entries, entry{FullURL: baseURL(f.in.Request) + f.kind + "/" + id, Resource: resource, Search: map[string]string{"mode": "match"}})
}

// reply gives the bundle. The link to itself repeats what the search understood, and never an identifier.
func (f *results) reply(wanted search) *rest.Reply {
	self := baseURL(f.in.Request) + f.kind
	if wanted.owner != (owner{}) {
		self += "?" + wanted.owner.said(wanted.count).Encode()
	} else if wanted.person != uuid.Nil {
		self += "?" + url.Values{"patient": {"Patient/" + wanted.person.String()}, "_count": {strconv.Itoa(wanted.count)}}.Encode()
	} else if f.in.Method == http.MethodPost {
		self += "/_search"
	}
	b := bundle{base: base{ResourceType: "Bundle"}, Type: "searchset", Link: []link{{"self", self}}, Entry: f.entries}
	if f.next != "" {
		b.Link = append(b.Link, link{"next", baseURL(f.in.Request) + f.kind + "?_page=" + f.next})
	}
	return reply(http.StatusOK, b)
}

// baseURL is the surface's address as the caller reached it; a gateway in front ends TLS and says so.
func baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host + root
}
