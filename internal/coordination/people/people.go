// Package people is the subject of who a person is: finding or making their record, reading it, who has seen it, and the
// legal duties towards them.
//
// Records are made only through FindOrCreate, which referrals call; the answer never tells whether the person was known.
package people

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/nhsnumber"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/find_or_create.sql
	findOrCreateSQL string
	//go:embed sql/by_id.sql
	byIDSQL string
	//go:embed sql/by_nhs_number.sql
	byNHSNumberSQL string
)

// Details are what a referrer knows about a person.
type Details struct {
	NHSNumber             string `json:"nhsNumber,omitempty" maxLength:"12" doc:"Ten digits, with or without spaces." example:"999 000 0018"`
	NHSNumberAbsentReason string `json:"nhsNumberAbsentReason,omitempty" enum:"NotKnownYet,NeverIssued,Withheld" doc:"Why there is no NHS number; needed when nhsNumber is left out."`
	FamilyName            string `json:"familyName" minLength:"1" maxLength:"100" pattern:"\\S"`
	GivenName             string `json:"givenName" minLength:"1" maxLength:"100" pattern:"\\S"`
	BirthDate             string `json:"birthDate" format:"date" example:"1984-02-29"`
}

// check gives the number in its stored form; at is where the details stand in the request.
func (d Details) check(at string, today time.Time) (number *string, err error) {
	switch {
	case d.NHSNumber == "" && d.NHSNumberAbsentReason == "":
		return nil, problem.InvalidField(at+".nhsNumber", "give the NHS number, or say in nhsNumberAbsentReason why there is none")
	case d.NHSNumber != "" && d.NHSNumberAbsentReason != "":
		return nil, problem.InvalidField(at+".nhsNumberAbsentReason", "leave it out when nhsNumber is given")
	}
	birth, err := london.ParseDay(d.BirthDate)
	if err != nil || birth.After(today) || birth.Year() < today.Year()-130 {
		return nil, problem.InvalidField(at+".birthDate", "give a day within the last 130 years")
	}
	if d.NHSNumber == "" {
		return nil, nil
	}
	digits, err := nhsnumber.Parse(d.NHSNumber)
	if err != nil {
		return nil, problem.InvalidField(at+".nhsNumber", "%s", err)
	}
	return &digits, nil
}

// FindOrCreate gives the id of the person's record, made now if need be; the id tells nothing of when. In the same transaction the person may then be
// referred although the caller cannot see the record. at is where the details stand in the request.
func FindOrCreate(ctx context.Context, tx *store.Tx, at string, d Details) (uuid.UUID, error) {
	number, err := d.check(at, london.Today(time.Now()))
	if err != nil {
		return uuid.Nil, err
	}
	candidate, err := uuid.NewRandom() // not version 7: its time would tell whether, and since when, the person was known
	if err != nil {
		return uuid.Nil, fmt.Errorf("making a person's id: %w", err)
	}
	var reason *string
	if d.NHSNumberAbsentReason != "" {
		reason = &d.NHSNumberAbsentReason
	}
	var id uuid.UUID
	err = tx.QueryRow(ctx, findOrCreateSQL, pgx.NamedArgs{
		"id": candidate, "nhs_number": number, "absent_reason": reason,
		"family_name": d.FamilyName, "given_name": d.GivenName, "birth_date": d.BirthDate,
	}).Scan(&id)
	if err != nil {
		return uuid.Nil, fmt.Errorf("finding or making a person's record: %w", err)
	}
	return id, nil
}

// Named gives the id and the birth date of a living person whom a request names either in full, in body.person, or by id, in body.personId.
// missing says what the request lacks when it does neither.
func Named(ctx context.Context, tx *store.Tx, details *Details, id *uuid.UUID, missing string) (uuid.UUID, time.Time, error) {
	switch {
	case details != nil && id != nil:
		return uuid.Nil, time.Time{}, problem.InvalidField("body.personId", "give either person or personId")
	case details != nil:
		made, err := FindOrCreate(ctx, tx, "body.person", *details)
		if err != nil {
			return uuid.Nil, time.Time{}, err
		}
		birth, err := london.ParseDay(details.BirthDate)
		return made, birth, err
	case id == nil:
		return uuid.Nil, time.Time{}, problem.InvalidField("body.person", "%s", missing)
	}
	tx.About(store.Concern{Person: *id})
	person, err := Visible(ctx, tx, *id)
	if err != nil {
		return uuid.Nil, time.Time{}, err
	}
	if person.Death != nil {
		return uuid.Nil, time.Time{}, problem.New(problem.PersonDied, "The person's death is recorded.")
	}
	birth, err := london.ParseDay(person.BirthDate)
	return person.ID, birth, err
}

// Person is a person's record as callers see it.
type Person struct {
	ID                    uuid.UUID `json:"id" format:"uuid"`
	NHSNumber             *string   `json:"nhsNumber,omitempty"`
	NHSNumberAbsentReason *string   `json:"nhsNumberAbsentReason,omitempty" enum:"NotKnownYet,NeverIssued,Withheld"`
	FamilyName            string    `json:"familyName"`
	GivenName             string    `json:"givenName"`
	BirthDate             string    `json:"birthDate" format:"date"`
	Death                 *Death    `json:"death,omitempty"`
	PreferredName         *string   `json:"preferredName,omitempty" doc:"What the person wishes to be called."`
	Alerts                []string  `json:"alerts" nullable:"false" enum:"Safeguarding,SafeToContact,LocationSensitive,NamedAccess" doc:"What everyone who meets the person must know; what each means stands at /v1/people/{id}/alerts. SafeToContact: read it before you write or call."`
	LegalDuties           []string  `json:"legalDuties" nullable:"false" enum:"Section117Aftercare,CommunityTreatmentOrder,ConditionalDischarge" doc:"Duties that are open now."`
	// MergedFrom are the ids that lead here: a record that was found to be the same person's answers with this one.
	MergedFrom []uuid.UUID `json:"mergedFrom,omitempty" format:"uuid" doc:"Records that were found to be this person's too: whoever asks for one of them gets this one."`
	// Version is for If-Match.
	Version int64 `json:"-"`
}

// Touch notes for the audit trail that the person was shown or changed: all their records, so that who has read one is on its own trail, too, if
// the records are taken apart.
func (p Person) Touch(tx *store.Tx) {
	for _, record := range append([]uuid.UUID{p.ID}, p.MergedFrom...) {
		tx.Touch(record, uuid.Nil)
	}
}

// Death is when a person died and how that is known.
type Death struct {
	On     string `json:"on" format:"date"`
	Source string `json:"source"`
}

type row struct {
	ID                    uuid.UUID
	NHSNumber             *string `db:"nhs_number"`
	NHSNumberAbsentReason *string `db:"nhs_number_absent_reason"`
	FamilyName            string
	GivenName             string
	BirthDate             string
	DiedOn                *string
	DeathSource           *string
	PreferredName         *string
	Alerts                []string
	LegalDuties           []string
	MergedFrom            []uuid.UUID
	Version               int64
}

func (r row) person() Person {
	p := Person{ID: r.ID, NHSNumber: r.NHSNumber, NHSNumberAbsentReason: r.NHSNumberAbsentReason, FamilyName: r.FamilyName, GivenName: r.GivenName, BirthDate: r.BirthDate,
		PreferredName: r.PreferredName, Alerts: r.Alerts, LegalDuties: r.LegalDuties, MergedFrom: r.MergedFrom, Version: r.Version}
	if r.DiedOn != nil && r.DeathSource != nil {
		p.Death = &Death{On: *r.DiedOn, Source: *r.DeathSource}
	}
	return p
}

// Visible reads a person whom the caller may see; anyone else is not found. For the id of a record that is merged into another it gives
// that other one: go on with the id of the answer.
func Visible(ctx context.Context, tx *store.Tx, id uuid.UUID) (Person, error) {
	found, ok, err := store.One[row](ctx, tx, byIDSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return Person{}, fmt.Errorf("reading a person: %w", err)
	}
	if !ok {
		return Person{}, NotFound()
	}
	return found.person(), nil
}

// NotFound is the answer about a person who is not there or whom the caller may not see: nobody learns which.
func NotFound() error {
	return problem.New(problem.NotFound, "There is no such person, or none of your services may see the record.")
}
