// Package community is the subject of what a person's neighbourhood offers and what part they take in it: the directory of community
// assets, social-prescribing links between people and assets, work, and how it all looks for one person.
//
// Assets are kept by service leads and hold nothing about people who seek help. Figures over many people are not here.
package community

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/inerror"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/asset_list.sql
	assetListSQL string
	//go:embed sql/asset_by_id.sql
	assetByIDSQL string
	//go:embed sql/asset_insert.sql
	assetInsertSQL string
	//go:embed sql/asset_update.sql
	assetUpdateSQL string
	//go:embed sql/where.sql
	whereSQL string
)

const tag = "community"

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/assets", Operation: access.ListAssets, Tag: tag,
		Summary: "List what the communities offer", Description: "Newest first. Those that no longer exist are left out unless you ask for them.",
	}, listAssets)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/assets/{id}", Operation: access.ReadAsset, Tag: tag,
		Summary: "Read a community asset", Errors: []int{http.StatusNotFound},
	}, readAsset)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/assets", Operation: access.CreateAsset, Tag: tag, Status: http.StatusCreated,
		Summary: "Add a community asset", Description: "Service leads keep the list.", Errors: []int{http.StatusConflict},
	}, createAsset)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/assets/{id}", Operation: access.UpdateAsset, Tag: tag,
		Summary: "Change or retire a community asset", Description: "One that is gone is set to active: false; the links of people to it stay.",
		Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, updateAsset)
	registerLinks(a)
	registerParticipation(a)
}

// AssetDetails is what is known about an asset.
type AssetDetails struct {
	Name          string `json:"name" minLength:"1" maxLength:"200" pattern:"\\S" example:"Harbour choir"`
	Kind          string `json:"kind" enum:"SelfCare,PeerSupport,FinancialInclusion,SelfHarmSupport,Housing,Employment,Learning,Arts,Nature,PhysicalActivity,Social,Faith,CulturalGroup,Advocacy,CarerSupport,Other"`
	Tier          int    `json:"tier" minimum:"1" maximum:"6" doc:"Tier of the Healthy Minds framework: 1 determinants and equity, 2 attitudes and stigma, 3 work, 4 people and communities, 5 long-term conditions, 6 response to distress."`
	Place         string `json:"place" minLength:"1" maxLength:"200" doc:"A place of the directory."`
	Neighbourhood string `json:"neighbourhood,omitempty" maxLength:"200" doc:"A neighbourhood of that place, where the asset is for one."`
	Contact       string `json:"contact" minLength:"1" maxLength:"1000" pattern:"\\S" doc:"How to get there: address, telephone, web."`
	Active        *bool  `json:"active,omitempty" doc:"Whether people can go there; true when left out."`
}

// Asset is an asset as callers see it.
type Asset struct {
	ID            uuid.UUID `json:"id" format:"uuid"`
	Name          string    `json:"name"`
	Kind          string    `json:"kind"`
	Tier          int       `json:"tier"`
	Place         string    `json:"place"`
	Neighbourhood *string   `json:"neighbourhood,omitempty"`
	Contact       string    `json:"contact"`
	Active        bool      `json:"active"`
	RecordedAt    time.Time `json:"recordedAt"`
	Version       int64     `json:"version" doc:"For If-Match, as W/\"version\"."`
}

type assetOutput struct {
	rest.Tag
	Body Asset
}

type assetsInput struct {
	page.Input
	Place         string `query:"place" maxLength:"200"`
	Neighbourhood string `query:"neighbourhood" maxLength:"200" doc:"Only those of this neighbourhood, and those for its whole place."`
	Kind          string `query:"kind" enum:"SelfCare,PeerSupport,FinancialInclusion,SelfHarmSupport,Housing,Employment,Learning,Arts,Nature,PhysicalActivity,Social,Faith,CulturalGroup,Advocacy,CarerSupport,Other"`
	Tier          int32  `query:"tier" minimum:"0" maximum:"6" doc:"Only those of this tier; 0 means all."`
	Retired       bool   `query:"retired" doc:"Those that no longer exist too."`
}

type assetsOutput struct {
	Body struct {
		Items []Asset `json:"items" nullable:"false"`
		Next  string  `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func listAssets(ctx context.Context, tx *store.Tx, in *assetsInput) (*assetsOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	rows, err := store.Rows[Asset](ctx, tx, assetListSQL, pgx.NamedArgs{
		"place": in.Place, "neighbourhood": in.Neighbourhood, "kind": in.Kind, "tier": in.Tier, "retired": in.Retired,
		"at": position.At, "after": position.ID, "limit": limit,
	})
	if err != nil {
		return nil, fmt.Errorf("listing assets: %w", err)
	}
	out := &assetsOutput{}
	out.Body.Items, out.Body.Next = page.Cut(in.Input, rows, func(a Asset) page.Position { return page.Position{At: a.RecordedAt, ID: a.ID} })
	return out, nil
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func readAsset(ctx context.Context, tx *store.Tx, in *idInput) (*assetOutput, error) {
	found, ok, err := store.One[Asset](ctx, tx, assetByIDSQL, pgx.NamedArgs{"id": in.ID})
	if err != nil {
		return nil, fmt.Errorf("reading an asset: %w", err)
	}
	if !ok {
		return nil, problem.New(problem.NotFound, "There is no such community asset.")
	}
	return &assetOutput{rest.TagOf(found.Version), found}, nil
}

type createAssetInput struct {
	rest.Idempotent
	Body AssetDetails
}

func createAsset(ctx context.Context, tx *store.Tx, in *createAssetInput) (*assetOutput, error) {
	args, err := in.Body.args(ctx, tx)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making an asset's id: %w", err)
	}
	args["id"] = id
	if _, err := tx.Exec(ctx, assetInsertSQL, args); err != nil {
		return nil, fmt.Errorf("adding an asset: %w", sameName(err))
	}
	return readAsset(ctx, tx, &idInput{id})
}

type updateAssetInput struct {
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body AssetDetails
}

func updateAsset(ctx context.Context, tx *store.Tx, in *updateAssetInput) (*assetOutput, error) {
	found, err := readAsset(ctx, tx, &idInput{in.ID})
	if err != nil {
		return nil, err
	}
	if err := in.Check(found.Body.Version); err != nil {
		return nil, err
	}
	args, err := in.Body.args(ctx, tx)
	if err != nil {
		return nil, err
	}
	args["id"], args["version"] = in.ID, found.Body.Version
	if err := inerror.Changed(tx.QueryRow(ctx, assetUpdateSQL, args)); err != nil {
		return nil, fmt.Errorf("changing an asset: %w", sameName(err))
	}
	return readAsset(ctx, tx, &idInput{in.ID})
}

// args checks that the place is one of the directory's, and the neighbourhood one of the place's.
func (d AssetDetails) args(ctx context.Context, tx *store.Tx) (pgx.NamedArgs, error) {
	type where struct{ Place, Neighbourhood bool }
	known, _, err := store.One[where](ctx, tx, whereSQL, pgx.NamedArgs{"place": d.Place, "neighbourhood": d.Neighbourhood})
	switch {
	case err != nil:
		return nil, fmt.Errorf("looking up a place: %w", err)
	case !known.Place:
		return nil, problem.InvalidField("body.place", "the directory has no such place")
	case d.Neighbourhood != "" && !known.Neighbourhood:
		return nil, problem.InvalidField("body.neighbourhood", "the place has no such neighbourhood")
	}
	args := pgx.NamedArgs{
		"name": strings.TrimSpace(d.Name), "kind": d.Kind, "tier": d.Tier, "place": d.Place, "neighbourhood": nil, "contact": d.Contact,
		"active": d.Active == nil || *d.Active, "subject": tx.Caller.Subject,
	}
	if d.Neighbourhood != "" {
		args["neighbourhood"] = d.Neighbourhood
	}
	return args, nil
}

// sameName is the problem of a second asset of one name in one place: people would be sent to one and looked for at the other.
func sameName(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "assets_once" {
		return problem.New(problem.StateConflict, "The place has an active asset of that name: change that one, or say in the name how they differ.")
	}
	return err
}
