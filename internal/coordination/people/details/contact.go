package details

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/read_contact.sql
	readContactSQL string
	//go:embed sql/set_contact.sql
	setContactSQL string
)

// ContactDetails is the sheet of how a person is reached.
type ContactDetails struct {
	Mobile       *string `json:"mobile,omitempty" pattern:"^\\+?[0-9][0-9 ]{5,19}$" example:"07700 900123"`
	Landline     *string `json:"landline,omitempty" pattern:"^\\+?[0-9][0-9 ]{5,19}$"`
	Email        *string `json:"email,omitempty" maxLength:"254" pattern:"^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$"`
	Preferred    *string `json:"preferred,omitempty" enum:"Phone,Text,Email,Letter,InPerson" doc:"The way the person prefers; its number or address must be given."`
	LeaveMessage *string `json:"leaveMessage,omitempty" enum:"Allowed,NotAllowed" doc:"Whether a message may be left that others may hear or read."`
	Note         *string `json:"note,omitempty" maxLength:"500" pattern:"\\S" doc:"For example when to call."`
}

func (c ContactDetails) check() error {
	missing := map[string]bool{
		"Phone": c.Mobile == nil && c.Landline == nil, "Text": c.Mobile == nil, "Email": c.Email == nil,
	}
	if c.Preferred != nil && missing[*c.Preferred] {
		return problem.InvalidField("body.preferred", "give the number or address of the preferred way as well")
	}
	return nil
}

// ContactSheet is the sheet as callers see it.
type ContactSheet struct {
	Hidden bool `json:"hidden" db:"-" doc:"The location is sensitive and none of your services is responsible: nothing is shown, whether there is something or not."`
	ContactDetails
	Recorded
}

type contactOutput struct {
	rest.Tag
	Body ContactSheet
}

func readContact(ctx context.Context, tx *store.Tx, in *idInput) (*contactOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	return contactAnswer(ctx, tx, in.ID)
}

func contactAnswer(ctx context.Context, tx *store.Tx, person uuid.UUID) (*contactOutput, error) {
	sheets, standing, err := people.Parts[ContactSheet](ctx, tx, readContactSQL, person, uuid.Nil)
	if err != nil {
		return nil, err
	}
	out := &contactOutput{Tag: standing.Tag()}
	for i, sheet := range sheets {
		if i == 0 {
			out.Body = sheet
		} else {
			out.Body.fill(sheet.ContactDetails)
		}
	}
	out.Body.Hidden = standing.Hidden
	return out, nil
}

type setContactInput struct {
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body ContactDetails
}

func setContact(ctx context.Context, tx *store.Tx, in *setContactInput) (*contactOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	c := in.Body
	if err := c.check(); err != nil {
		return nil, err
	}
	standing, err := people.ClaimVersion(ctx, tx, in.ID, in.Match)
	if err != nil {
		return nil, err
	}
	if standing.Hidden {
		return nil, people.LocationHidden()
	}
	_, err = tx.Exec(ctx, setContactSQL, pgx.NamedArgs{
		"person": standing.ID, "subject": tx.Caller.Subject, "mobile": c.Mobile, "landline": c.Landline, "email": c.Email,
		"preferred": c.Preferred, "leave_message": c.LeaveMessage, "note": c.Note,
	})
	if err != nil {
		return nil, fmt.Errorf("recording how a person is reached: %w", err)
	}
	return contactAnswer(ctx, tx, standing.ID)
}
