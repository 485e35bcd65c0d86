package community

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/inerror"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/link_by_id.sql
	linkByIDSQL string
	//go:embed sql/link_list.sql
	linkListSQL string
	//go:embed sql/link_insert.sql
	linkInsertSQL string
	//go:embed sql/link_update.sql
	linkUpdateSQL string
)

func registerLinks(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/asset-links", Operation: access.LinkAsset, Tag: tag, Status: http.StatusCreated,
		Summary:     "Put a person in touch with a community asset",
		Description: "Social prescribing: by a service that has an open episode or referral with the person, to an asset that is active.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, link)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/asset-links", Operation: access.ListAssetLinks, Tag: tag,
		Summary: "List the community assets that a person was put in touch with", Description: "Newest first, those marked as entered in error included.",
		Errors: []int{http.StatusNotFound},
	}, listLinks)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/asset-links/{id}", Operation: access.ReadAssetLink, Tag: tag,
		Summary: "Read one link", Errors: []int{http.StatusNotFound},
	}, readLink)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/asset-links/{id}", Operation: access.UpdateAssetLink, Tag: tag,
		Summary:     "Say whether the person went, and what came of it",
		Description: "By any service that supports the person at present. Not having gone is an outcome and never a reproach.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, updateLink)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/asset-links/{id}/entered-in-error", Operation: access.RetractAssetLink, Tag: tag, Status: http.StatusOK,
		Summary: "Mark a link as entered in error", Description: "It no longer counts and stays readable.",
		Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, retractLink)
}

// AssetLink is a person put in touch with an asset.
type AssetLink struct {
	ID              uuid.UUID `json:"id" format:"uuid"`
	PersonID        uuid.UUID `json:"personId" format:"uuid"`
	AssetID         uuid.UUID `json:"assetId" format:"uuid"`
	AssetName       string    `json:"assetName"`
	Service         string    `json:"service" doc:"The service that put them in touch."`
	LinkedBy        string    `json:"linkedBy" doc:"Who did, as the identity provider names them."`
	LinkedOn        string    `json:"linkedOn" format:"date"`
	FirstAttendedOn *string   `json:"firstAttendedOn,omitempty" format:"date"`
	Outcome         *string   `json:"outcome,omitempty" enum:"StillGoing,GoalReached,MovedOnToAnother,DidNotSuit,NotTakenUp"`
	OutcomeOn       *string   `json:"outcomeOn,omitempty" format:"date"`
	EnteredInError  bool      `json:"enteredInError"`
	RecordedAt      time.Time `json:"recordedAt"`
	Version         int64     `json:"version" doc:"For If-Match, as W/\"version\"."`
}

type linkOutput struct {
	rest.Tag
	Body AssetLink
}

type linkInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		AssetID  uuid.UUID `json:"assetId" format:"uuid"`
		Service  string    `json:"service,omitempty" maxLength:"63" doc:"The one of your services that does it; needed when several support the person."`
		LinkedOn string    `json:"linkedOn" format:"date"`
	}
}

func link(ctx context.Context, tx *store.Tx, in *linkInput) (*linkOutput, error) {
	on, err := london.ParseDay(in.Body.LinkedOn)
	if err != nil || on.After(london.Today(time.Now())) {
		return nil, problem.InvalidField("body.linkedOn", "give a day that is not in the future")
	}
	service, err := people.SupportedBy(ctx, tx, in.ID, "body.service", in.Body.Service)
	if err != nil {
		return nil, err
	}
	if err := service.Lived(on); err != nil {
		return nil, err
	}
	asset, found, err := store.One[Asset](ctx, tx, assetByIDSQL, pgx.NamedArgs{"id": in.Body.AssetID})
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading an asset: %w", err)
	case !found:
		return nil, problem.InvalidField("body.assetId", "there is no such community asset; see GET /v1/assets")
	case !asset.Active:
		return nil, problem.New(problem.StateConflict, "The community asset no longer exists: choose another one.")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a link's id: %w", err)
	}
	_, err = tx.Exec(ctx, linkInsertSQL, pgx.NamedArgs{
		"id": id, "person": service.Record, "asset": asset.ID, "service": service.ID, "on": in.Body.LinkedOn, "subject": tx.Caller.Subject,
	})
	if err != nil {
		return nil, fmt.Errorf("linking a person with an asset: %w", err)
	}
	return linkAnswer(ctx, tx, id)
}

// linkAnswer reads a link, notes it for the audit trail and answers with it.
func linkAnswer(ctx context.Context, tx *store.Tx, id uuid.UUID) (*linkOutput, error) {
	found, err := visibleLink(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	tx.Touch(found.PersonID, id)
	return &linkOutput{rest.TagOf(found.Version), found}, nil
}

func visibleLink(ctx context.Context, tx *store.Tx, id uuid.UUID) (AssetLink, error) {
	tx.About(store.Concern{Resource: id})
	found, ok, err := store.One[AssetLink](ctx, tx, linkByIDSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return AssetLink{}, fmt.Errorf("reading a link: %w", err)
	}
	if !ok {
		return AssetLink{}, problem.New(problem.NotFound, "There is no such link, or none of your services may see it.")
	}
	tx.About(store.Concern{Person: found.PersonID, Resource: id})
	return found, nil
}

func readLink(ctx context.Context, tx *store.Tx, in *idInput) (*linkOutput, error) {
	return linkAnswer(ctx, tx, in.ID)
}

type ofPersonInput struct {
	page.Input
	ID uuid.UUID `path:"id" format:"uuid"`
}

type linksOutput struct {
	Body struct {
		Items []AssetLink `json:"items" nullable:"false"`
		Next  string      `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func listLinks(ctx context.Context, tx *store.Tx, in *ofPersonInput) (*linksOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	tx.About(store.Concern{Person: in.ID})
	if _, err := people.Visible(ctx, tx, in.ID); err != nil {
		return nil, err
	}
	rows, err := store.Rows[AssetLink](ctx, tx, linkListSQL, pgx.NamedArgs{"person": in.ID, "at": position.At, "after": position.ID, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("listing links: %w", err)
	}
	out := &linksOutput{}
	out.Body.Items, out.Body.Next = page.Cut(in.Input, rows, func(l AssetLink) page.Position { return page.Position{At: l.RecordedAt, ID: l.ID} })
	touched(tx, in.ID, out.Body.Items)
	return out, nil
}

// AssetAttendance is whether the person went and what came of it.
type AssetAttendance struct {
	FirstAttendedOn string `json:"firstAttendedOn,omitempty" format:"date" doc:"Leave it out while the person has not gone."`
	Outcome         string `json:"outcome,omitempty" enum:"StillGoing,GoalReached,MovedOnToAnother,DidNotSuit,NotTakenUp"`
	OutcomeOn       string `json:"outcomeOn,omitempty" format:"date" doc:"Needed with an outcome and only there."`
}

// check holds the days against each other; linked is when the person was put in touch.
func (a AssetAttendance) check(linked, today time.Time) error {
	from := linked
	if a.FirstAttendedOn != "" {
		day, err := london.ParseDay(a.FirstAttendedOn)
		if err != nil || day.Before(linked) || day.After(today) {
			return problem.InvalidField("body.firstAttendedOn", "give a day from linkedOn to today")
		}
		from = day
	}
	switch {
	case (a.Outcome == "") != (a.OutcomeOn == ""):
		return problem.InvalidField("body.outcomeOn", "give it with an outcome and only there")
	case a.Outcome == "":
		return nil
	case (a.Outcome == "NotTakenUp") != (a.FirstAttendedOn == ""):
		return problem.InvalidField("body.firstAttendedOn", "it is left out for NotTakenUp and needed for every other outcome")
	}
	if day, err := london.ParseDay(a.OutcomeOn); err != nil || day.Before(from) || day.After(today) {
		return problem.InvalidField("body.outcomeOn", "give a day from firstAttendedOn, or from linkedOn, to today")
	}
	return nil
}

type updateLinkInput struct {
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body AssetAttendance
}

func updateLink(ctx context.Context, tx *store.Tx, in *updateLinkInput) (*linkOutput, error) {
	found, err := visibleLink(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := people.Supporters(ctx, tx, found.PersonID); err != nil {
		return nil, err
	}
	if err := in.Check(found.Version); err != nil {
		return nil, err
	}
	if found.EnteredInError {
		return nil, problem.New(problem.StateConflict, "The link is marked as entered in error.")
	}
	linked, err := london.ParseDay(found.LinkedOn)
	if err != nil {
		return nil, fmt.Errorf("reading a link's day: %w", err)
	}
	if err := in.Body.check(linked, london.Today(time.Now())); err != nil {
		return nil, err
	}
	err = inerror.Changed(tx.QueryRow(ctx, linkUpdateSQL, pgx.NamedArgs{
		"id": in.ID, "version": found.Version, "first_attended_on": optional(in.Body.FirstAttendedOn), "outcome": optional(in.Body.Outcome),
		"outcome_on": optional(in.Body.OutcomeOn), "subject": tx.Caller.Subject,
	}))
	if err != nil {
		return nil, fmt.Errorf("changing a link: %w", err)
	}
	return linkAnswer(ctx, tx, in.ID)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func retractLink(ctx context.Context, tx *store.Tx, in *inerror.Input) (*linkOutput, error) {
	if _, err := inerror.Mark(ctx, tx, inerror.AssetLinks, "link", in); err != nil {
		return nil, err
	}
	found, err := visibleLink(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	return &linkOutput{rest.TagOf(found.Version), found}, nil
}

// touched notes each record of a list for the audit trail: who has read one that turns out to be in error must be found. A list without any
// is a look at the person.
func touched(tx *store.Tx, person uuid.UUID, shown []AssetLink) {
	if len(shown) == 0 {
		tx.Touch(person, uuid.Nil)
	}
	for _, l := range shown {
		tx.Touch(l.PersonID, l.ID)
	}
}
