// Package populations is the subject of how many people live where: denominators of rates, uploaded as a whole with their edition and source. All
// uploads are kept; publications use the latest and say which it was. Without one, rates are missing. It holds no personal data.
package populations

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/measures"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/latest.sql
	latestSQL string
	//go:embed sql/people.sql
	peopleSQL string
	//go:embed sql/lock.sql
	lockSQL string
	//go:embed sql/insert.sql
	insertSQL string
	//go:embed sql/insert_people.sql
	insertPeopleSQL string
	//go:embed sql/unknown.sql
	unknownSQL string
)

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/populations", Operation: access.ReadPopulations, Tag: "populations",
		Summary: "Read the population that rates use", Description: "The latest upload. Version 0 means that there is none, and rates are missing.",
	}, read)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/populations", Operation: access.UploadPopulations, Tag: "populations",
		Summary:     "Upload a population",
		Description: "It replaces the one before as a whole, for publications that are made from now on; figures that are published stay. Earlier uploads are kept.",
		Errors:      []int{http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, upload)
}

// Population is a population with where it comes from.
type Population struct {
	Edition       string        `json:"edition" minLength:"1" maxLength:"100" pattern:"\\S" doc:"Which edition of the source this is." example:"mid-2024, 2025 boundaries"`
	Source        string        `json:"source" minLength:"1" maxLength:"300" pattern:"\\S" doc:"Who publishes it, and under which title." example:"ONS small area population estimates"`
	ReferenceDate string        `json:"referenceDate" format:"date" doc:"The day on which so many people lived there."`
	Items         []Inhabitants `json:"items" minItems:"1" maxItems:"500" nullable:"false"`
}

// Inhabitants is how many people live in one geography, all of them or one class of a breakdown.
type Inhabitants struct {
	GeographyKind string `json:"geographyKind" enum:"ICS,Place,Neighbourhood"`
	Geography     string `json:"geography" minLength:"1" maxLength:"200" doc:"The ICS's ODS code, or the name of a place or neighbourhood of the directory." example:"coast"`
	Breakdown     string `json:"breakdown,omitempty" enum:"ageBand,ethnicity,gender,deprivation"`
	Class         string `json:"class,omitempty" maxLength:"40" doc:"The class of the breakdown, as figures have it." example:"18-25"`
	People        int64  `json:"people" minimum:"1" maximum:"100000000"`
}

type output struct {
	rest.Tag
	Body struct {
		Version    int64       `json:"version" doc:"0 when none was uploaded."`
		UploadedBy string      `json:"uploadedBy,omitempty"`
		UploadedAt *time.Time  `json:"uploadedAt,omitempty"`
		Population *Population `json:"population,omitempty"`
	}
}

type latest struct {
	Version                                    int64
	Edition, Source, ReferenceDate, UploadedBy string
	UploadedAt                                 time.Time
}

func read(ctx context.Context, tx *store.Tx, _ *struct{}) (*output, error) {
	out := &output{Tag: rest.TagOf(0)}
	held, found, err := store.One[latest](ctx, tx, latestSQL, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the latest population: %w", err)
	}
	if !found {
		return out, nil
	}
	rows, err := store.Rows[struct {
		GeographyKind, Geography, BreakdownKind, Breakdown string
		People                                             int64
	}](ctx, tx, peopleSQL, pgx.NamedArgs{"version": held.Version})
	if err != nil {
		return nil, fmt.Errorf("reading a population: %w", err)
	}
	out.Tag = rest.TagOf(held.Version)
	p := &Population{held.Edition, held.Source, held.ReferenceDate, []Inhabitants{}}
	out.Body.Population = p
	out.Body.Version, out.Body.UploadedBy, out.Body.UploadedAt = held.Version, held.UploadedBy, &held.UploadedAt
	for _, r := range rows {
		p.Items = append(p.Items, Inhabitants{r.GeographyKind, r.Geography, r.BreakdownKind, r.Breakdown, r.People})
	}
	return out, nil
}

type uploadInput struct {
	rest.Match
	Body Population
}

func upload(ctx context.Context, tx *store.Tx, in *uploadInput) (*output, error) {
	if err := check(ctx, tx, in.Body); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, lockSQL); err != nil {
		return nil, fmt.Errorf("waiting for other uploads: %w", err)
	}
	held, _, err := store.One[latest](ctx, tx, latestSQL, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the latest population: %w", err)
	}
	if err := in.Check(held.Version); err != nil {
		return nil, err
	}
	args := pgx.NamedArgs{"version": held.Version + 1, "edition": in.Body.Edition, "source": in.Body.Source, "reference_date": in.Body.ReferenceDate}
	if _, err := tx.Exec(ctx, insertSQL, args); err != nil {
		return nil, fmt.Errorf("storing a population's upload: %w", err)
	}
	lists(args, in.Body.Items)
	if _, err := tx.Exec(ctx, insertPeopleSQL, args); err != nil {
		return nil, fmt.Errorf("storing a population: %w", err)
	}
	return read(ctx, tx, nil)
}

// lists puts the items into lists, one for each column.
func lists(args pgx.NamedArgs, items []Inhabitants) {
	var kinds, names, breakdowns, classes []string
	var people []int64
	for _, i := range items {
		kinds, names, breakdowns = append(kinds, i.GeographyKind), append(names, i.Geography), append(breakdowns, i.Breakdown)
		classes, people = append(classes, i.Class), append(people, i.People)
	}
	args["kinds"], args["names"], args["breakdowns"], args["classes"], args["people"] = kinds, names, breakdowns, classes, people
}

func check(ctx context.Context, tx *store.Tx, u Population) error {
	if day, err := london.ParseDay(u.ReferenceDate); err != nil || day.After(london.Today(time.Now())) {
		return problem.InvalidField("body.referenceDate", "give a day that is not in the future")
	}
	seen := map[Inhabitants]bool{}
	for n, i := range u.Items {
		at := fmt.Sprintf("body.items[%d]", n)
		key := i
		key.People = 0
		switch {
		case (i.Breakdown == "") != (i.Class == ""):
			return problem.InvalidField(at+".class", "give breakdown and class together, or neither")
		case i.Breakdown != "" && !slices.Contains(measures.Classes(i.Breakdown), i.Class):
			return problem.InvalidField(at+".class", "figures have no such class; see the classes of a published measure")
		case seen[key]:
			return problem.InvalidField(at, "the same people come twice")
		}
		seen[key] = true
	}
	args := pgx.NamedArgs{}
	lists(args, u.Items)
	var unknown int64
	if err := tx.QueryRow(ctx, unknownSQL, args).Scan(&unknown); err != nil {
		return fmt.Errorf("looking up the geographies of a population: %w", err)
	}
	if unknown > 0 {
		return problem.InvalidField(fmt.Sprintf("body.items[%d].geography", unknown-1), "the directory has no geography of that kind and name; for the ICS give its ODS code")
	}
	return nil
}
