package fhir

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

//go:embed sql/of_owner.sql
var ofOwnerSQL string

var ownerParam = searchParam{"owner", "reference", "Who is asked to take over, instead of the person: HealthcareService/id of one of your services, or, as owner:identifier, " +
	odsSystem + "|code of the organisation for which you act."}

const (
	ownerByIdentifier = "owner:identifier"
	// ownerMark ends the token of a page of what an owner has.
	ownerMark = 'o'
)

// owner is who is asked to take over: a service of the directory, or the ODS code of an organisation outside it.
type owner struct {
	service      uuid.UUID
	organisation string
}

// registerTask adds handovers, which are sought by the person or by who is asked to take over.
func registerTask(s *server) {
	registerRead[taskRow](s, "Task", access.FHIRReadTask, taskSQL)
	params := append([]searchParam{ownerParam}, patientParams...)
	ofPerson := finder[taskRow]("Task", params, taskSQL)
	ofOwner := framed(ofOwnerSQL, taskSQL)
	s.search("Task", access.FHIRSearchTask, params, func(ctx context.Context, tx *store.Tx, in rest.Request) (*rest.Reply, error) {
		wanted, err := searchOf(in, params)
		if err != nil {
			return nil, err
		}
		if wanted.owner == (owner{}) {
			return ofPerson(ctx, tx, in)
		}
		if err := wanted.owner.own(tx, in); err != nil {
			return nil, err
		}
		args := pgx.NamedArgs{"service": nil, "organisation": wanted.owner.organisation, "at": wanted.after.At, "after": wanted.after.ID, "limit": wanted.count + 1}
		if wanted.owner.organisation == "" {
			args["service"] = wanted.owner.service
		}
		rows, err := store.Rows[ownedTask](ctx, tx, ofOwner, args)
		if err != nil {
			return nil, fmt.Errorf("searching what an owner is asked to take over: %w", err)
		}
		return pageOf(tx, in, "Task", wanted, rows), nil
	})
}

// sayOwner: an owner is named, in either way.
func sayOwner(values url.Values) bool { return values.Has("owner") || values.Has(ownerByIdentifier) }

// ownedBy reads whose tasks are sought.
func (s *search) ownedBy(at string) error {
	if s.values.Has("patient") || s.values.Has("subject") || (s.values.Has("owner") && s.values.Has(ownerByIdentifier)) {
		return problem.InvalidField(at+".owner", "give either the person or one owner")
	}
	if s.values.Has(ownerByIdentifier) {
		code, known := strings.CutPrefix(s.values.Get(ownerByIdentifier), odsSystem+"|")
		if !known || code == "" || len(code) > 200 {
			return problem.InvalidField(at+".owner", "give it as %s|code", odsSystem)
		}
		s.owner.organisation = code
		return nil
	}
	id, known := strings.CutPrefix(s.values.Get("owner"), "HealthcareService/")
	service, err := uuid.Parse(id)
	if err != nil || !known || service == uuid.Nil {
		return problem.InvalidField(at+".owner", "give HealthcareService/ and the id of a service of this server")
	}
	s.owner.service = service
	return nil
}

// own refuses whoever is neither of the service nor of the organisation, as /v1 does.
func (o owner) own(tx *store.Tx, in rest.Request) error {
	of := o.organisation != "" && tx.Caller.Has(access.PartnerPractitioner) && tx.Caller.Organisation == o.organisation
	if of || (o.organisation == "" && tx.Serves(o.service)) {
		return nil
	}
	at := "query.owner"
	if in.Method != http.MethodGet {
		at = "form.owner"
	}
	return problem.InvalidField(at, "name one of your own services, or the organisation for which you act")
}

// said is the search as it was understood.
func (o owner) said(count int) url.Values {
	values := url.Values{"_count": {strconv.Itoa(count)}}
	if o.organisation != "" {
		values.Set(ownerByIdentifier, odsSystem+"|"+o.organisation)
	} else {
		values.Set("owner", "HealthcareService/"+o.service.String())
	}
	return values
}
