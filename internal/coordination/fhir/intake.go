package fhir

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/referrals"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/keep_intake.sql
	keepIntakeSQL string
	//go:embed sql/intake_of.sql
	intakeOfSQL string
)

func registerIntake(s *server) {
	s.handle(route{Method: http.MethodPost, Path: root + "ServiceRequest", Operation: access.FHIRCreateServiceRequest, kind: "ServiceRequest", interaction: "create", conditionalMake: true},
		func(ctx context.Context, tx *store.Tx, in rest.Request) (*rest.Reply, error) {
			if err := carries(in.Request, mediaType, "application/json"); err != nil {
				return nil, err
			}
			condition := in.Header.Get("If-None-Exist")
			asked := struct{ Body, Condition string }{string(in.Body), condition}
			// One id of a request makes one referral, however often it is sent.
			return store.Once(ctx, tx, in.ID, asked, func() (*rest.Reply, error) { return receive(ctx, tx, in, condition) })
		})
}

func receive(ctx context.Context, tx *store.Tx, in rest.Request, condition string) (*rest.Reply, error) {
	if err := rest.CheckJSON(in.Body); err != nil {
		return nil, problem.New(problem.Malformed, "The body is not well-formed and plain JSON in UTF-8.")
	}
	if err := wellFormed("ServiceRequest", in.Body); err != nil {
		return nil, err
	}
	var sent sentRequest
	if err := json.Unmarshal(in.Body, &sent); err != nil {
		return nil, fmt.Errorf("reading a well-formed ServiceRequest: %w", err)
	}
	number, err := sent.ownNumber(condition)
	if err != nil {
		return nil, err
	}
	if condition != "" {
		known, err := store.Rows[struct{ ID uuid.UUID }](ctx, tx, intakeOfSQL, pgx.NamedArgs{"system": number.System, "value": number.Value})
		switch {
		case err != nil:
			return nil, fmt.Errorf("looking for an earlier referral: %w", err)
		case len(known) > 1:
			return nil, problem.New(problem.PreconditionFailed, "You have sent several referrals with this identifier.")
		case len(known) == 1:
			return madeBefore(in, known[0].ID), nil
		}
	}
	asked, err := sent.referral(ctx, tx)
	if err != nil {
		return nil, err
	}
	made, service, err := referrals.Receive(ctx, tx, asked)
	if err != nil {
		return nil, inFHIR(err)
	}
	body := string(in.Body)
	args := pgx.NamedArgs{"referral": made.ID, "system": nil, "value": nil, "body": body, "subject": tx.Caller.Subject}
	if number != nil {
		args["system"], args["value"] = number.System, number.Value
	}
	if _, err := tx.Exec(ctx, keepIntakeSQL, args); err != nil {
		return nil, fmt.Errorf("keeping what was sent: %w", err)
	}
	row := justMade(made, service.ID, body)
	r := resourceReply(http.StatusCreated, row.Version, row.resource())
	r.Header["Location"] = baseURL(in.Request) + "ServiceRequest/" + made.ID.String()
	return r, nil
}

// justMade is the row of the referral that was made, from the request and not read back: the sender may be none of those who can see it.
func justMade(made referrals.Referral, service uuid.UUID, body string) serviceRequestRow {
	return serviceRequestRow{
		Stamp:   Stamp{ID: made.ID, PersonID: made.PersonID, Subject: made.PersonID, At: made.RecordedAt, UpdatedAt: made.RecordedAt, Version: 1},
		Service: made.Service, Responsible: made.ResponsibleService, Route: made.Route, Reason: made.Reason, ReceivedOn: made.ReceivedOn, State: made.State,
		Sent: &body, ServiceID: service, ResponsibleServiceID: service, // no service sends by this way
	}
}

// madeBefore answers a conditional create whose referral is there already. It says where, and nothing of what has become of it.
func madeBefore(in rest.Request, id uuid.UUID) *rest.Reply {
	o := operationOutcome{base: base{ResourceType: "OperationOutcome"}, Issue: []issue{{
		Severity: "information", Code: "duplicate", Details: concept{Text: "You have sent this referral before."}, Diagnostics: "Nothing was made; Location says where the referral is.",
	}}}
	r := reply(http.StatusOK, o)
	r.Header["Location"] = baseURL(in.Request) + "ServiceRequest/" + id.String()
	return r
}

// elements are where the fields of a referral stand in a ServiceRequest.
var elements = map[string]string{
	"body.service": "ServiceRequest.performer", "body.route": "ServiceRequest.extension", "body.reason": "ServiceRequest.reasonCode",
	"body.receivedOn": "ServiceRequest.authoredOn", "body.person": "ServiceRequest.subject", "body.personId": "ServiceRequest.subject",
	"body.person.nhsNumber": "ServiceRequest.contained.identifier", "body.person.nhsNumberAbsentReason": "ServiceRequest.contained.identifier",
	"body.person.birthDate": "ServiceRequest.contained.birthDate",
}

// inFHIR tells a refusal of the referral in the words of what was sent.
func inFHIR(err error) error {
	var p *problem.Problem
	if !errors.As(err, &p) || len(p.Errors) == 0 {
		return err
	}
	shown := *p
	shown.Errors = nil
	for _, field := range p.Errors {
		if element, ok := elements[field.Location]; ok {
			field.Location = element
		}
		shown.Errors = append(shown.Errors, field)
	}
	return &shown
}

// ownNumber is the sender's number of the referral; with a condition, the one that the condition names.
func (s sentRequest) ownNumber(condition string) (*identifier, error) {
	var first *identifier
	for _, i := range s.Identifier {
		if i.System == "" || i.Value == "" {
			continue
		}
		if len(i.System) > 200 || len(i.Value) > 200 || i.System == nhsNumberSystem {
			return nil, problem.InvalidField("ServiceRequest.identifier", "give your own number of the referral, of 200 characters at most")
		}
		if first == nil {
			first = &identifier{System: i.System, Value: i.Value}
		}
	}
	if condition == "" {
		return first, nil
	}
	query, err := url.ParseQuery(strings.TrimPrefix(condition, "?"))
	if err == nil && len(query) == 1 && len(query["identifier"]) == 1 {
		for _, i := range s.Identifier {
			if i.System != "" && i.Value != "" && query.Get("identifier") == i.System+"|"+i.Value {
				return &identifier{System: i.System, Value: i.Value}, nil
			}
		}
	}
	return nil, problem.InvalidField("If-None-Exist", "give identifier=system|value with an identifier that the ServiceRequest has")
}
