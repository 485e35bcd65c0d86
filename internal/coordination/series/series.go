// Package series is the subject of figures that others publish: national and local series, uploaded as they are with their source, edition, periods and
// geographies. Nothing is computed from them and nothing is invented: a point without a value stays without one. All uploads are kept; the latest is
// shown. It holds no personal data.
package series

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/list.sql
	listSQL string
	//go:embed sql/latest.sql
	latestSQL string
	//go:embed sql/points.sql
	pointsSQL string
	//go:embed sql/lock.sql
	lockSQL string
	//go:embed sql/insert.sql
	insertSQL string
	//go:embed sql/insert_points.sql
	insertPointsSQL string
)

const tag = "series"

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/series", Operation: access.ListSeries, Tag: tag,
		Summary: "List the series that others publish", Description: "By id, each with its latest upload.",
	}, list)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/series/{id}", Operation: access.ReadSeries, Tag: tag,
		Summary: "Read a series that others publish", Description: "Each point has its own period and geography: a figure of England is not one of this ICS.", Errors: []int{http.StatusNotFound},
	}, read)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/series/{id}", Operation: access.UploadSeries, Tag: tag,
		Summary: "Upload a series", Description: "It replaces the upload before as a whole; all are kept. For a new series send If-Match with W/\"0\".",
		Errors: []int{http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, upload)
}

// ListedSeries is a series without its points.
type ListedSeries struct {
	ID         string    `json:"id"`
	Version    int64     `json:"version"`
	Title      string    `json:"title"`
	Unit       string    `json:"unit"`
	Edition    string    `json:"edition"`
	Source     string    `json:"source"`
	UploadedAt time.Time `json:"uploadedAt"`
}

type listOutput struct {
	Body struct {
		Items []ListedSeries `json:"items" nullable:"false"`
	}
}

func list(ctx context.Context, tx *store.Tx, _ *struct{}) (*listOutput, error) {
	rows, err := store.Rows[ListedSeries](ctx, tx, listSQL, nil)
	if err != nil {
		return nil, fmt.Errorf("listing series: %w", err)
	}
	out := &listOutput{}
	out.Body.Items = rows
	return out, nil
}

// Series is a series with where it comes from.
type Series struct {
	Title      string        `json:"title" minLength:"1" maxLength:"200" pattern:"\\S"`
	Definition string        `json:"definition" minLength:"1" maxLength:"2000" pattern:"\\S" doc:"What is counted, as its source defines it."`
	Unit       string        `json:"unit" minLength:"1" maxLength:"100" pattern:"\\S" example:"% of people asked"`
	BetterWhen string        `json:"betterWhen" enum:"Higher,Lower,Neither"`
	Edition    string        `json:"edition" minLength:"1" maxLength:"100" pattern:"\\S" doc:"Which edition of the source this is."`
	Source     string        `json:"source" minLength:"1" maxLength:"300" pattern:"\\S" doc:"Who publishes it, and under which title."`
	URL        string        `json:"url,omitempty" maxLength:"500" pattern:"^https://[^ ]+$" doc:"Where it is published."`
	Points     []SeriesPoint `json:"points" minItems:"1" maxItems:"400" nullable:"false"`
}

// SeriesPoint is one figure of the series.
type SeriesPoint struct {
	From          string   `json:"from" format:"date"`
	To            string   `json:"to" format:"date"`
	GeographyKind string   `json:"geographyKind" enum:"England,Region,ICS,Place,LocalAuthority,Provider"`
	Geography     string   `json:"geography" minLength:"1" maxLength:"200" pattern:"\\S" doc:"Its name or code, as the source has it." example:"England"`
	Value         *float64 `json:"value" nullable:"true" doc:"null where the source gives none; never zero for that."`
	Numerator     *float64 `json:"numerator,omitempty"`
	Denominator   *float64 `json:"denominator,omitempty"`
}

type output struct {
	rest.Tag
	Body struct {
		ID      string `json:"id"`
		Version int64  `json:"version"`
		Series
		UploadedBy string    `json:"uploadedBy"`
		UploadedAt time.Time `json:"uploadedAt"`
	}
}

type idInput struct {
	ID string `path:"id" maxLength:"63" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$"`
}

type latest struct {
	ID                                                                    string
	Version                                                               int64
	Title, Definition, Unit, BetterWhen, Edition, Source, URL, UploadedBy string
	UploadedAt                                                            time.Time
}

func read(ctx context.Context, tx *store.Tx, in *idInput) (*output, error) {
	held, found, err := store.One[latest](ctx, tx, latestSQL, pgx.NamedArgs{"id": in.ID})
	if err != nil {
		return nil, fmt.Errorf("reading a series: %w", err)
	}
	if !found {
		return nil, problem.New(problem.NotFound, "There is no such series; GET /v1/series lists them.")
	}
	rows, err := store.Rows[struct {
		FromOn, ToOn, GeographyKind, Geography string
		Value, Numerator, Denominator          *float64
	}](ctx, tx, pointsSQL, pgx.NamedArgs{"id": in.ID, "version": held.Version})
	if err != nil {
		return nil, fmt.Errorf("reading a series' points: %w", err)
	}
	out := &output{Tag: rest.TagOf(held.Version)}
	b := &out.Body
	b.ID, b.Version, b.UploadedBy, b.UploadedAt = held.ID, held.Version, held.UploadedBy, held.UploadedAt
	b.Series = Series{Title: held.Title, Definition: held.Definition, Unit: held.Unit, BetterWhen: held.BetterWhen, Edition: held.Edition, Source: held.Source, URL: held.URL, Points: []SeriesPoint{}}
	for _, r := range rows {
		b.Points = append(b.Points, SeriesPoint{r.FromOn, r.ToOn, r.GeographyKind, r.Geography, r.Value, r.Numerator, r.Denominator})
	}
	return out, nil
}

type uploadInput struct {
	rest.Match
	ID   string `path:"id" maxLength:"63" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$" doc:"A name of your choice in lower case, digits and hyphens." example:"cqc-community-survey-overall"`
	Body Series
}

func upload(ctx context.Context, tx *store.Tx, in *uploadInput) (*output, error) {
	if err := check(in.Body.Points); err != nil {
		return nil, err
	}
	args := pgx.NamedArgs{"id": in.ID}
	if _, err := tx.Exec(ctx, lockSQL, args); err != nil {
		return nil, fmt.Errorf("waiting for other uploads of a series: %w", err)
	}
	held, _, err := store.One[latest](ctx, tx, latestSQL, args)
	if err != nil {
		return nil, fmt.Errorf("reading a series: %w", err)
	}
	if err := in.Check(held.Version); err != nil {
		return nil, err
	}
	u := in.Body
	args["version"], args["title"], args["definition"], args["unit"], args["better_when"] = held.Version+1, u.Title, u.Definition, u.Unit, u.BetterWhen
	args["edition"], args["source"], args["url"] = u.Edition, u.Source, u.URL
	if _, err := tx.Exec(ctx, insertSQL, args); err != nil {
		return nil, fmt.Errorf("storing a series' upload: %w", err)
	}
	var from, to, kinds, names []string
	var values, numerators, denominators []*float64
	for _, p := range u.Points {
		from, to, kinds, names = append(from, p.From), append(to, p.To), append(kinds, p.GeographyKind), append(names, p.Geography)
		values, numerators, denominators = append(values, p.Value), append(numerators, p.Numerator), append(denominators, p.Denominator)
	}
	args["from"], args["to"], args["kinds"], args["names"] = from, to, kinds, names
	args["values"], args["numerators"], args["denominators"] = values, numerators, denominators
	if _, err := tx.Exec(ctx, insertPointsSQL, args); err != nil {
		return nil, fmt.Errorf("storing a series' points: %w", err)
	}
	return read(ctx, tx, &idInput{in.ID})
}

func check(points []SeriesPoint) error {
	type key struct{ from, to, kind, name string }
	seen := map[key]bool{}
	for n, p := range points {
		at := fmt.Sprintf("body.points[%d]", n)
		from, errFrom := london.ParseDay(p.From)
		to, errTo := london.ParseDay(p.To)
		k := key{p.From, p.To, p.GeographyKind, p.Geography}
		switch {
		case errFrom != nil:
			return problem.InvalidField(at+".from", "give a day from 1900 on")
		case errTo != nil || to.Before(from):
			return problem.InvalidField(at+".to", "give a day that is not before from")
		case seen[k]:
			return problem.InvalidField(at, "the same period and geography come twice")
		}
		seen[k] = true
	}
	return nil
}
