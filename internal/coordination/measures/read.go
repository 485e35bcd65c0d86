package measures

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
	"github.com/cmhf/operator/internal/coordination/suppression"
)

var (
	//go:embed sql/publications.sql
	publicationsSQL string
	//go:embed sql/figures.sql
	figuresSQL string
)

const (
	tag     = "measures"
	csvPath = "/v1/measures/{id}/figures.csv"
)

// Register adds the subject's operations. synthetic says that the data are made up.
func Register(a *rest.API, synthetic bool) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/measures", Operation: access.ListMeasures, Tag: tag,
		Summary: "List the measures and what is published", Description: "MeasureFigures exist for the months that were published, and are the same for every caller. " + suppression.Rule,
	}, func(ctx context.Context, tx *store.Tx, _ *struct{}) (*listOutput, error) {
		return list(ctx, tx, synthetic)
	})
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/measures/{id}", Operation: access.ReadMeasure, Tag: tag,
		Summary: "Read a measure's published figures", Description: "Of one kind of geography and one breakdown at a time. " + suppression.Rule, Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, tx *store.Tx, in *readInput) (*readOutput, error) {
		found, err := read(ctx, tx, in, synthetic)
		if err != nil {
			return nil, err
		}
		return &readOutput{Body: found}, nil
	})
	registerSeveral(a, synthetic)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: csvPath, Operation: access.ExportMeasure, Tag: tag,
		Summary: "Read a measure's published figures as CSV", Description: "The same figures, with the same filters. The column data says whether they are made up.", Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, tx *store.Tx, in *readInput) (*csvOutput, error) {
		found, err := read(ctx, tx, in, synthetic)
		if err != nil {
			return nil, err
		}
		return &csvOutput{ContentType: "text/csv; charset=utf-8", Disposition: `attachment; filename="` + found.Measure.ID + `.csv"`, Body: found.csv()}, nil
	})
	a.OpenAPI().Paths[csvPath].Get.Responses["200"].Content = map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: huma.TypeString}}}
}

type listOutput struct {
	Body struct {
		Items        []Measure     `json:"items" nullable:"false"`
		Publications []Publication `json:"publications" nullable:"false" doc:"The months that are published, newest first."`
		Rule         string        `json:"rule" doc:"What is hidden and how figures are rounded, in words."`
		Synthetic    bool          `json:"synthetic" doc:"The data are made up."`
	}
}

// Publication is one month's figures, as they were last published.
type Publication struct {
	Period      string    `json:"period" example:"2026-10"`
	From        string    `json:"from" format:"date"`
	To          string    `json:"to" format:"date"`
	Revision    int32     `json:"revision" doc:"1 when first published; a month that was published again has a higher one."`
	PublishedAt time.Time `json:"publishedAt"`
	FactsAsOf   time.Time `json:"factsAsOf" doc:"What was recorded later is not in the figures."`
	RuleVersion string    `json:"suppressionVersion" doc:"The version of the rule by which figures are hidden and rounded."`
}

type publicationRow struct {
	FromOn, ToOn           time.Time
	Revision               int32
	PublishedAt, FactsAsOf time.Time
	SuppressionVersion     string
}

func (r publicationRow) publication() Publication {
	return Publication{
		Period: monthOf(r.FromOn).String(), From: r.FromOn.Format(time.DateOnly), To: r.ToOn.Format(time.DateOnly), Revision: r.Revision,
		PublishedAt: r.PublishedAt.UTC(), FactsAsOf: r.FactsAsOf.UTC(), RuleVersion: r.SuppressionVersion,
	}
}

func list(ctx context.Context, tx *store.Tx, synthetic bool) (*listOutput, error) {
	rows, err := store.Rows[struct {
		publicationRow
		Synthetic bool
	}](ctx, tx, publicationsSQL, nil)
	if err != nil {
		return nil, fmt.Errorf("listing publications: %w", err)
	}
	out := &listOutput{}
	out.Body.Items, out.Body.Rule, out.Body.Synthetic = Measures(), suppression.Rule, synthetic
	out.Body.Publications = []Publication{}
	for _, r := range rows {
		out.Body.Publications = append(out.Body.Publications, r.publication())
	}
	return out, nil
}

type readInput struct {
	ID string `path:"id" maxLength:"63" doc:"A measure's id; see GET /v1/measures." example:"national-wait-completed"`
	FigureFilter
}

// FigureFilter chooses among published figures.
type FigureFilter struct {
	Period        string `query:"period" pattern:"^([0-9]{4}-(0[1-9]|1[0-2])|latest|all)$" default:"latest" doc:"A month, the latest published one, or all."`
	GeographyKind string `query:"geographyKind" enum:"ICS,Place,Neighbourhood,Service,Provider" default:"ICS"`
	Geography     string `query:"geography" maxLength:"200" doc:"The name of one place, neighbourhood or service, or the ODS code of the provider that leads services; all of the kind when left out."`
	Breakdown     string `query:"breakdown" enum:"none,ageBand,ethnicity,gender,deprivation,route,waitBand" default:"none" doc:"One breakdown; neighbourhoods have none."`
}

type readOutput struct{ Body MeasureFigures }

// MeasureFigures are a measure's published figures.
type MeasureFigures struct {
	Measure   Measure           `json:"measure"`
	Rule      string            `json:"rule" doc:"What is hidden and how figures are rounded, in words."`
	Synthetic bool              `json:"synthetic" doc:"The data are made up."`
	Items     []PublishedFigure `json:"items" nullable:"false"`
}

// PublishedFigure is one published figure.
type PublishedFigure struct {
	Publication
	GeographyKind string `json:"geographyKind" enum:"ICS,Place,Neighbourhood,Service,Provider"`
	Geography     string `json:"geography"`
	Place         string `json:"place,omitempty" doc:"The place of a neighbourhood."`
	Provider      string `json:"provider,omitempty" doc:"The ODS code of the provider that led a service when the figures were made."`
	Breakdown     string `json:"breakdown,omitempty" example:"ageBand"`
	Class         string `json:"class,omitempty" doc:"The class of the breakdown." example:"18-25"`
	State         string `json:"state" enum:"Published,Hidden,Missing" doc:"Hidden: the figure is below 5, or one that is could be worked out from it. Missing: there is none, which is not zero."`
	Shown         string `json:"shown" doc:"The value as it is shown: a number, * or -." example:"65"`
	Value         *int64 `json:"value" nullable:"true"`
	Numerator     *int64 `json:"numerator" nullable:"true" doc:"Rounded; null when hidden or missing."`
	Denominator   *int64 `json:"denominator" nullable:"true" doc:"Rounded, unless it is an uploaded population; null when hidden, missing or none."`
	Reason        string `json:"reason,omitempty" enum:"NoPopulation" doc:"Why the figure is missing. NoPopulation: no population was uploaded for it when the figures were published."`
	CountedBy     string `json:"ruleVersion" doc:"The version of the rule by which it was counted."`
	Source        string `json:"source,omitempty" doc:"Where an uploaded denominator comes from, and its edition."`
}

type figureRow struct {
	publicationRow
	Measure                                                             string
	GeographyKind, Geography, Place, Provider, BreakdownKind, Breakdown string
	Numerator, Denominator, Value                                       *int64
	State, Reason, RuleVersion, Source                                  string
}

func (r figureRow) figure() PublishedFigure {
	f := PublishedFigure{
		Publication: r.publication(), GeographyKind: r.GeographyKind, Geography: r.Geography, Place: r.Place, Provider: r.Provider, Breakdown: r.BreakdownKind, Class: r.Breakdown,
		State: r.State, Value: r.Value, Numerator: r.Numerator, Denominator: r.Denominator, Reason: r.Reason, CountedBy: r.RuleVersion, Source: r.Source,
	}
	f.Shown = map[string]string{hidden: "*", missing: "-"}[r.State]
	if r.Value != nil {
		f.Shown = strconv.FormatInt(*r.Value, 10)
	}
	return f
}

func read(ctx context.Context, tx *store.Tx, in *readInput, synthetic bool) (MeasureFigures, error) {
	m, known := byID(in.ID)
	if !known {
		return MeasureFigures{}, problem.New(problem.NotFound, "There is no such measure; GET /v1/measures lists them.")
	}
	found, err := in.figures(ctx, tx, []string{in.ID})
	if err != nil {
		return MeasureFigures{}, err
	}
	return MeasureFigures{Measure: m, Rule: suppression.Rule, Synthetic: synthetic, Items: append([]PublishedFigure{}, found[in.ID]...)}, nil
}

func byID(id string) (Measure, bool) {
	all := Measures()
	i := slices.IndexFunc(all, func(m Measure) bool { return m.ID == id })
	if i < 0 {
		return Measure{}, false
	}
	return all[i], true
}

// figures reads those of several measures.
func (f FigureFilter) figures(ctx context.Context, tx *store.Tx, measures []string) (map[string][]PublishedFigure, error) {
	breakdown := f.Breakdown
	if breakdown == "none" {
		breakdown = ""
	}
	rows, err := store.Rows[figureRow](ctx, tx, figuresSQL, pgx.NamedArgs{
		"measures": measures, "period": f.Period, "geography_kind": f.GeographyKind, "geography": f.Geography, "breakdown": breakdown,
	})
	if err != nil {
		return nil, fmt.Errorf("reading figures: %w", err)
	}
	found := map[string][]PublishedFigure{}
	for _, r := range rows {
		found[r.Measure] = append(found[r.Measure], r.figure())
	}
	return found, nil
}
