package fhir

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/nhsnumber"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

//go:embed sql/patient.sql
var patientSQL string

type patient struct {
	base
	Identifier          []identifier   `json:"identifier,omitempty"`
	Active              *bool          `json:"active,omitempty"`
	Name                []humanName    `json:"name,omitempty"`
	Telecom             []contactPoint `json:"telecom,omitempty"`
	Gender              string         `json:"gender,omitempty"`
	BirthDate           string         `json:"birthDate,omitempty"`
	DeceasedDateTime    string         `json:"deceasedDateTime,omitempty"`
	Address             []address      `json:"address,omitempty"`
	GeneralPractitioner []reference    `json:"generalPractitioner,omitempty"`
	Link                []patientLink  `json:"link,omitempty"`
}

type patientLink struct {
	Other reference `json:"other"`
	Type  string    `json:"type"`
}

type patientRow struct {
	ID                    uuid.UUID
	MergedInto            *uuid.UUID
	NHSNumber             *string `db:"nhs_number"`
	NHSNumberAbsentReason *string `db:"nhs_number_absent_reason"`
	FamilyName, GivenName string
	BirthDate             string
	DiedOn                *string
	Version               int64
	UpdatedAt             time.Time
	LocationSensitive     bool
	MergedFrom            []uuid.UUID
	PreferredName, Gender *string
	Mobile, Landline      *string
	Email, Practice       *string
	Lines                 []string
	Postcode              *string
	LivesThereSince       *string
}

// The number is as the referrer gave it: nobody has traced it, which is what 02 says; 03 is that a trace is required, 07 that there is none to trace.
var (
	verification  = map[string]coding{"02": {Code: "02", Display: "Number present but not traced"}, "03": {Code: "03", Display: "Trace required"}, "07": {Code: "07", Display: "Number not present and trace not required"}}
	absentReasons = map[string]struct{ reason, verification string }{
		"NotKnownYet": {"temp-unknown", "03"}, "NeverIssued": {"not-applicable", "07"}, "Withheld": {"asked-declined", "07"},
	}
	genders = map[string]string{"Female": "female", "Male": "male", "NonBinary": "other", "Other": "other", "NotStated": "unknown"}
)

const (
	verificationURL    = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
	verificationSystem = "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland"
	absentURL          = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
)

func nhsNumberOf(number, reason *string) identifier {
	verified := func(code string) []extension {
		status := verification[code]
		status.System = verificationSystem
		return []extension{{URL: verificationURL, ValueConcept: &concept{Coding: []coding{status}}}}
	}
	if number != nil {
		return identifier{Extension: verified("02"), System: nhsNumberSystem, Value: *number}
	}
	why := absentReasons[text(reason)]
	return identifier{Extension: verified(why.verification), System: nhsNumberSystem, NoValue: &absent{[]extension{{URL: absentURL, ValueCode: why.reason}}}}
}

func (r patientRow) resource() patient {
	active := r.MergedInto == nil
	p := patient{base: base{ResourceType: "Patient", ID: r.ID.String(), Meta: metaOf(r.Version, r.UpdatedAt)}, Active: &active}
	if r.LocationSensitive {
		p.Meta.Security = []coding{{System: "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", Code: "R", Display: "restricted"}}
	}
	if r.MergedInto != nil { // who is asked for by an old id is told where the record is, and nothing that may be wrong in the old one
		p.Link = []patientLink{{*to("Patient", *r.MergedInto, ""), "replaced-by"}}
		return p
	}
	p.Identifier = []identifier{nhsNumberOf(r.NHSNumber, r.NHSNumberAbsentReason)}
	p.Name = []humanName{{Use: "official", Family: r.FamilyName, Given: []string{r.GivenName}}}
	if r.PreferredName != nil {
		p.Name = append(p.Name, humanName{Use: "usual", Text: *r.PreferredName})
	}
	p.Gender, p.BirthDate, p.DeceasedDateTime = genders[text(r.Gender)], r.BirthDate, text(r.DiedOn)
	for _, point := range []struct {
		value       *string
		system, use string
	}{{r.Mobile, "phone", "mobile"}, {r.Landline, "phone", "home"}, {r.Email, "email", ""}} {
		if point.value != nil {
			p.Telecom = append(p.Telecom, contactPoint{System: point.system, Value: *point.value, Use: point.use})
		}
	}
	if len(r.Lines) > 0 || r.Postcode != nil {
		p.Address = []address{{Use: "home", Line: r.Lines, PostalCode: text(r.Postcode), Period: &period{Start: text(r.LivesThereSince)}}}
	}
	if r.Practice != nil {
		p.GeneralPractitioner = []reference{{Type: "Organization", Identifier: &identifier{System: odsSystem, Value: *r.Practice}}}
	}
	for _, old := range r.MergedFrom {
		p.Link = append(p.Link, patientLink{*to("Patient", old, ""), "replaces"})
	}
	return p
}

var identifierParams = []searchParam{{"identifier", "token", "The NHS number, as " + nhsNumberSystem + "|number. In the form of POST only, because addresses end up in logs. Needed."}}

func registerPatient(s *server) {
	s.handle(route{Method: http.MethodGet, Path: root + "Patient/{id}", Operation: access.FHIRReadPatient, kind: "Patient", interaction: "read"},
		func(ctx context.Context, tx *store.Tx, in rest.Request) (*rest.Reply, error) {
			id, err := pathID(in)
			if err != nil {
				return nil, err
			}
			rows, err := patients(ctx, tx, pgx.NamedArgs{"id": id, "nhs_number": nil})
			if err != nil {
				return nil, err
			}
			if len(rows) == 0 {
				return nil, notFound()
			}
			rows[0].touch(tx)
			return resourceReply(http.StatusOK, rows[0].Version, rows[0].resource()), nil
		})
	s.handle(route{Method: http.MethodPost, Path: root + "Patient/_search", Operation: access.FHIRSearchPatient, kind: "Patient", interaction: "search-type", search: identifierParams},
		func(ctx context.Context, tx *store.Tx, in rest.Request) (*rest.Reply, error) {
			wanted, err := searchOf(in, identifierParams)
			if err != nil {
				return nil, err
			}
			number, err := nhsNumberToken("form.identifier", wanted.values.Get("identifier"))
			if err != nil {
				return nil, err
			}
			rows, err := patients(ctx, tx, pgx.NamedArgs{"id": nil, "nhs_number": number})
			if err != nil {
				return nil, err
			}
			found := results{in: in, kind: "Patient"}
			for _, r := range rows {
				r.touch(tx)
				found.add(r.ID.String(), r.resource())
			}
			return found.reply(wanted), nil
		})
}

// touch notes for the audit trail that the record was shown, and those for which it answers.
func (r patientRow) touch(tx *store.Tx) {
	for _, record := range append([]uuid.UUID{r.ID}, r.MergedFrom...) {
		tx.Touch(record, uuid.Nil)
	}
}

func patients(ctx context.Context, tx *store.Tx, args pgx.NamedArgs) ([]patientRow, error) {
	args["today"] = london.Today(time.Now())
	rows, err := store.Rows[patientRow](ctx, tx, patientSQL, args)
	if err != nil {
		return nil, fmt.Errorf("reading patients: %w", err)
	}
	return rows, nil
}

func nhsNumberToken(at, token string) (string, error) {
	if token == "" {
		return "", lacking(at, "give the NHS number as "+nhsNumberSystem+"|number")
	}
	system, value, ok := strings.Cut(token, "|")
	if !ok || system != nhsNumberSystem {
		return "", problem.InvalidField(at, "people are found by NHS number only: give %s|number", nhsNumberSystem)
	}
	number, err := nhsnumber.Parse(value)
	if err != nil {
		return "", problem.InvalidField(at, "%s", err)
	}
	return number, nil
}
