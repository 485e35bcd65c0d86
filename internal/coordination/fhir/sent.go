package fhir

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/referrals"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
	"github.com/cmhf/operator/internal/directory"
)

// sentRequest is a ServiceRequest that somebody posts, well formed.
type sentRequest struct {
	serviceRequest
	DoNotPerform bool `json:"doNotPerform"`
}

var routes = []string{"Self", "Carer", "GP", "VCSE", "SocialCare", "Crisis", "Inpatient", "Online", "WalkIn"}

// referral is what the resource asks for. What it holds beyond that stays in the kept body.
func (s sentRequest) referral(ctx context.Context, tx *store.Tx) (asked referrals.Received, err error) {
	switch {
	case s.DoNotPerform:
		return asked, problem.InvalidField("ServiceRequest", "a referral asks for something: doNotPerform would forbid it")
	case s.Status == "":
		return asked, lacking("ServiceRequest.status", "a referral that is sent is active")
	case s.Status != "active":
		return asked, problem.InvalidField("ServiceRequest.status", "a referral that is sent is active")
	case s.Intent != "order":
		return asked, problem.InvalidField("ServiceRequest.intent", "a referral that is sent is an order")
	case s.Priority != "" && !slices.Contains([]string{"routine", "urgent", "asap", "stat"}, s.Priority):
		return asked, problem.InvalidField("ServiceRequest.priority", "give routine, urgent, asap or stat")
	}
	if asked.Route, err = s.route(); err != nil {
		return asked, err
	}
	if asked.Reason, err = s.reason(); err != nil {
		return asked, err
	}
	if asked.ReceivedOn, err = day(s.AuthoredOn); err != nil {
		return asked, err
	}
	if asked.Service, err = s.service(ctx, tx); err != nil {
		return asked, err
	}
	asked.Person, asked.PersonID, err = s.person(ctx, tx)
	return asked, err
}

// route is by which door the person came: said, or plain from who asks.
func (s sentRequest) route() (string, error) {
	for _, e := range s.Extension {
		if e.URL == ownExtension("referral-route").URL {
			if !slices.Contains(routes, e.ValueCode) {
				return "", problem.InvalidField("ServiceRequest.extension", "the valueCode of referral-route is one of %s", strings.Join(routes, ", "))
			}
			return e.ValueCode, nil
		}
	}
	if s.Requester != nil {
		kind := s.Requester.Type
		if kind == "" {
			kind = referenceType(s.Requester.Reference)
		}
		if isLocal(s.Requester.Reference) {
			if found, ok := s.containedAs(s.Requester.Reference); ok {
				kind = found.ResourceType
			}
		}
		switch kind {
		case "Patient":
			return "Self", nil
		case "RelatedPerson":
			return "Carer", nil
		}
	}
	return "", lacking("ServiceRequest.extension", "say by which door the person came: the extension "+ownExtension("referral-route").URL+" with a valueCode of "+strings.Join(routes, ", "))
}

// reason is all that a reader of the referral must know, in one text: why, what else was said, and how urgent it is.
func (s sentRequest) reason() (string, error) {
	var said []string
	for _, c := range s.ReasonCode {
		words := c.Text
		for _, code := range c.Coding {
			if words == "" {
				words = code.Display
			}
		}
		if strings.TrimSpace(words) != "" {
			said = append(said, words)
		}
	}
	if len(said) == 0 {
		return "", lacking("ServiceRequest.reasonCode", "say why the person seeks help, in text or in a coding's display")
	}
	for _, n := range s.Note {
		said = append(said, n.Text)
	}
	if s.Priority != "" && s.Priority != "routine" {
		said = append(said, "Priority: "+s.Priority)
	}
	reason := strings.Join(said, "\n")
	if len([]rune(reason)) > 4000 {
		return "", problem.InvalidField("ServiceRequest.reasonCode", "reasons and notes have 4000 characters at most")
	}
	return reason, nil
}

// day is that of authoredOn in London; without one, today.
func day(authored string) (string, error) {
	if authored == "" {
		return london.Today(time.Now()).Format(time.DateOnly), nil
	}
	if _, err := london.ParseDay(authored); err == nil {
		return authored, nil
	}
	at, err := time.Parse(time.RFC3339Nano, authored)
	if err != nil {
		return "", problem.InvalidField("ServiceRequest.authoredOn", "give a day, or a moment with its time zone")
	}
	return london.Today(at).Format(time.DateOnly), nil
}

func (s sentRequest) service(ctx context.Context, tx *store.Tx) (*services.Named, error) {
	const how = "name one service: HealthcareService/id, or an identifier of the system " + serviceNameSystem
	if len(s.Performer) == 0 {
		return nil, nil
	}
	if len(s.Performer) > 1 {
		return nil, problem.InvalidField("ServiceRequest.performer", how)
	}
	to := s.Performer[0]
	rows, err := store.Rows[serviceRow](ctx, tx, servicesSQL, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the directory: %w", err)
	}
	for _, r := range rows {
		if to.Reference == "HealthcareService/"+r.ID.String() ||
			(to.Reference == "" && to.Identifier != nil && to.Identifier.System == serviceNameSystem && to.Identifier.Value == r.Name) {
			return &services.Named{ID: r.ID, Name: r.Name, State: directory.ServiceState(r.State)}, nil
		}
	}
	return nil, problem.InvalidField("ServiceRequest.performer", how)
}

// contained is as much of a contained resource as tells which it is.
type contained struct {
	ResourceType string `json:"resourceType"`
	ID           string `json:"id"`
	raw          json.RawMessage
}

func isLocal(reference string) bool { return strings.HasPrefix(reference, "#") }

// referenceType is the kind in Kind/id, wherever that stands.
func referenceType(reference string) string {
	parts := strings.Split(reference, "/")
	if len(parts) < 2 {
		return ""
	}
	return parts[len(parts)-2]
}

func (s sentRequest) containedAs(reference string) (contained, bool) {
	for _, raw := range s.Contained {
		var c contained
		if json.Unmarshal(raw, &c) == nil && c.ID != "" && "#"+c.ID == reference {
			c.raw = raw
			return c, true
		}
	}
	return contained{}, false
}

// person says who is referred: a contained Patient, a person of this server, or an NHS number of somebody whom the caller may see.
func (s sentRequest) person(ctx context.Context, tx *store.Tx) (*people.Details, *uuid.UUID, error) {
	const at = "ServiceRequest.subject"
	switch {
	case s.Subject == nil || (s.Subject.Reference == "" && s.Subject.Identifier == nil):
		return nil, nil, lacking(at, "say who is referred: a contained Patient, Patient/id, or an identifier")
	case isLocal(s.Subject.Reference):
		found, ok := s.containedAs(s.Subject.Reference)
		if !ok || found.ResourceType != "Patient" {
			return nil, nil, problem.InvalidField(at, "no contained Patient has that id")
		}
		details, err := detailsOf(found.raw)
		return details, nil, err
	case s.Subject.Reference != "":
		id, err := uuid.Parse(strings.TrimPrefix(s.Subject.Reference, "Patient/"))
		if err != nil || !strings.HasPrefix(s.Subject.Reference, "Patient/") {
			return nil, nil, problem.InvalidField(at, "give Patient/id of this server, or the person as a contained Patient")
		}
		return nil, &id, nil
	}
	number, err := nhsNumberToken(at+".identifier", s.Subject.Identifier.System+"|"+s.Subject.Identifier.Value)
	if err != nil {
		return nil, nil, err
	}
	rows, err := patients(ctx, tx, pgx.NamedArgs{"id": nil, "nhs_number": number})
	if err != nil {
		return nil, nil, err
	}
	if len(rows) != 1 {
		return nil, nil, problem.InvalidField(at, "by the number alone only people whom your services see can be referred: send the person as a contained Patient")
	}
	return nil, &rows[0].ID, nil
}

func detailsOf(raw json.RawMessage) (*people.Details, error) {
	const at = "ServiceRequest.contained"
	var p patient
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, fmt.Errorf("reading a well-formed Patient: %w", err)
	}
	d := &people.Details{BirthDate: p.BirthDate}
	for _, i := range p.Identifier {
		if i.System == nhsNumberSystem {
			d.NHSNumber, d.NHSNumberAbsentReason = i.Value, i.absentReason()
			break
		}
	}
	if d.NHSNumber == "" && d.NHSNumberAbsentReason == "" {
		d.NHSNumberAbsentReason = "NotKnownYet"
	}
	if len(d.NHSNumber) > 12 {
		return nil, problem.InvalidField(at+".identifier", "an NHS number has ten digits")
	}
	if len(p.Name) == 0 {
		return nil, lacking(at+".name", "give the family name and a given name")
	}
	name := p.Name[max(0, slices.IndexFunc(p.Name, func(n humanName) bool { return n.Use == "official" }))]
	d.FamilyName = name.Family
	if len(name.Given) > 0 {
		d.GivenName = name.Given[0]
	}
	for part, value := range map[string]string{"family": d.FamilyName, "given": d.GivenName} {
		if n := len([]rune(strings.TrimSpace(value))); n == 0 {
			return nil, lacking(at+".name."+part, "give the family name and a given name")
		} else if n > 100 {
			return nil, problem.InvalidField(at+".name."+part, "give 100 characters at most")
		}
	}
	if d.BirthDate == "" {
		return nil, lacking(at+".birthDate", "give the day of birth")
	}
	return d, nil
}

// absentReason reads why there is no number; without a reason that is known, it is not known yet.
func (i identifier) absentReason() string {
	if i.Value != "" || i.NoValue == nil {
		return ""
	}
	for _, e := range i.NoValue.Extension {
		if e.URL == absentURL {
			switch e.ValueCode {
			case "not-applicable":
				return "NeverIssued"
			case "asked-declined", "masked":
				return "Withheld"
			}
		}
	}
	return "NotKnownYet"
}
