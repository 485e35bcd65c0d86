// Package partners is the subject of partner organisations (employers, schools, councils, housing, voluntary groups, health and care) and
// how far each is with the actions that the frameworks ask of its sector.
//
// An officer acts for the one organisation that the token names, and reads and writes its progress only. The frameworks and their actions
// are defined elsewhere and meant here by their ids; no person's record is touched.
package partners

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/organisations.sql
	organisationsSQL string
	//go:embed sql/set_organisation.sql
	setOrganisationSQL string
)

const tag = "partners"

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/organisations", Operation: access.ListOrganisations, Tag: tag,
		Summary: "List the partner organisations",
	}, listOrganisations)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/organisations/own", Operation: access.SetOwnOrganisation, Tag: tag,
		Summary:     "Say what your organisation is",
		Description: "The organisation is the one that your token's organisation claim names. Progress can be told once this is.",
	}, setOrganisation)
	registerProgress(a)
}

// PartnerOrganisation is a partner.
type PartnerOrganisation struct {
	Code      string    `json:"code" doc:"ODS code, or the name of an organisation without one." db:"code"`
	Name      string    `json:"name"`
	Sector    string    `json:"sector" enum:"Employer,Education,LocalAuthority,Housing,Voluntary,Health,SocialCare,Justice,Other"`
	UpdatedAt time.Time `json:"updatedAt"`
}

type organisationsOutput struct {
	Body struct {
		Items []PartnerOrganisation `json:"items" nullable:"false"`
	}
}

func listOrganisations(ctx context.Context, tx *store.Tx, _ *struct{}) (*organisationsOutput, error) {
	all, err := store.Rows[PartnerOrganisation](ctx, tx, organisationsSQL, nil)
	if err != nil {
		return nil, fmt.Errorf("listing organisations: %w", err)
	}
	out := &organisationsOutput{}
	out.Body.Items = all
	return out, nil
}

type organisationInput struct {
	Body struct {
		Name   string `json:"name" minLength:"1" maxLength:"200" pattern:"\\S"`
		Sector string `json:"sector" enum:"Employer,Education,LocalAuthority,Housing,Voluntary,Health,SocialCare,Justice,Other"`
	}
}

type organisationOutput struct{ Body PartnerOrganisation }

func setOrganisation(ctx context.Context, tx *store.Tx, in *organisationInput) (*organisationOutput, error) {
	code, err := own(tx)
	if err != nil {
		return nil, err
	}
	set, found, err := store.One[PartnerOrganisation](ctx, tx, setOrganisationSQL, pgx.NamedArgs{
		"code": code, "name": strings.TrimSpace(in.Body.Name), "sector": in.Body.Sector, "subject": tx.Caller.Subject,
	})
	if err != nil || !found {
		return nil, fmt.Errorf("setting an organisation (found: %v): %w", found, err)
	}
	return &organisationOutput{set}, nil
}

// longest is what an organisation's code may have; the table has the same.
const longest = 200

// own is the caller's organisation.
func own(tx *store.Tx) (string, error) {
	code := tx.Caller.Organisation
	if strings.TrimSpace(code) == "" || len([]rune(code)) > longest {
		return "", problem.New(problem.OrganisationMissing, "The token's organisation claim must be the ODS code of your organisation, or its name, of up to %d characters.", longest)
	}
	return code, nil
}
