// Package emergency is the subject of looking at the record of a person in need whom no service of the caller may see: access for some
// hours with a reason, and the review of each by somebody else within two working days. What is then read is in the person's access log
// like any other use.
package emergency

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/nhsnumber"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/seen.sql
	seenSQL string
	//go:embed sql/grant.sql
	grantSQL string
	//go:embed sql/list.sql
	listSQL string
	//go:embed sql/by_id.sql
	byIDSQL string
	//go:embed sql/review.sql
	reviewSQL string
)

const tag = "emergency access"

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/emergency-access", Operation: access.GrantEmergencyAccess, Tag: tag, Status: http.StatusCreated,
		Summary:     "See the record of a person in need for some hours",
		Description: "For a person whom none of your services may see. NHS number and birth date must both be right; otherwise the answer is 404, whatever was wrong. Your service then sees the record until the time in the answer, each use is in the person's access log, and somebody else reviews it. It works while records can't be changed, too.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, grant)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/emergency-access/reviews", Operation: access.ListEmergencyReviews, Tag: tag,
		Summary:     "List uses of emergency access and their reviews",
		Description: "Newest first. A service lead gets those of their services, records officers and auditors all.",
	}, list)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/emergency-access/{id}/review", Operation: access.ReviewEmergencyAccess, Tag: tag, Status: http.StatusCreated,
		Summary:     "Review a use of emergency access",
		Description: "By a lead of the service or a records officer who is not the one who used it. NotJustified ends what is left of the access at once.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, review)
}

type grantInput struct {
	rest.Idempotent
	Body struct {
		NHSNumber string `json:"nhsNumber" minLength:"1" maxLength:"12" example:"999 000 0018"`
		BirthDate string `json:"birthDate" format:"date" example:"1984-02-29"`
		Service   string `json:"service" minLength:"1" maxLength:"63" doc:"The one of your services for which you ask."`
		Reason    string `json:"reason" minLength:"1" maxLength:"1000" pattern:"\\S" doc:"Why the record is needed now, in your words; the reviewer reads it."`
		Hours     int32  `json:"hours,omitempty" minimum:"1" maximum:"24" default:"8" doc:"For how long."`
	}
}

// Grant is access in an emergency.
type Grant struct {
	ID          uuid.UUID `json:"id" format:"uuid"`
	PersonID    uuid.UUID `json:"personId" format:"uuid" doc:"Read the record at /v1/people/{id}."`
	Until       time.Time `json:"until"`
	ReviewDueOn string    `json:"reviewDueOn" format:"date"`
}

type grantOutput struct{ Body Grant }

func grant(ctx context.Context, tx *store.Tx, in *grantInput) (*grantOutput, error) {
	number, err := nhsnumber.Parse(in.Body.NHSNumber)
	if err != nil {
		return nil, problem.InvalidField("body.nhsNumber", "%s", err)
	}
	if _, err := london.ParseDay(in.Body.BirthDate); err != nil {
		return nil, problem.InvalidField("body.birthDate", "give the day of birth")
	}
	own, err := services.Own(ctx, tx, "body.service", in.Body.Service)
	if err != nil {
		return nil, err
	}
	args := pgx.NamedArgs{
		"nhs_number": number, "birth_date": in.Body.BirthDate, "service": own[0], "reason": in.Body.Reason, "hours": in.Body.Hours,
	}
	var seen bool
	if err := tx.QueryRow(ctx, seenSQL, args).Scan(&seen); err != nil {
		return nil, fmt.Errorf("looking whether emergency access is needed: %w", err)
	}
	if seen {
		return nil, problem.New(problem.StateConflict, "One of your services sees the record already: find it by POST /v1/people/search.")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making an emergency access's id: %w", err)
	}
	type granted struct {
		PersonID  uuid.UUID
		Until     time.Time
		ReviewDue string
	}
	args["id"] = id
	found, ok, err := store.One[granted](ctx, tx, grantSQL, args)
	if err != nil {
		return nil, fmt.Errorf("granting emergency access: %w", err)
	}
	if !ok {
		return nil, problem.New(problem.NotFound, "Nobody here has this NHS number and this birth date.")
	}
	tx.Touch(found.PersonID, id)
	return &grantOutput{Grant{ID: id, PersonID: found.PersonID, Until: found.Until, ReviewDueOn: found.ReviewDue}}, nil
}
