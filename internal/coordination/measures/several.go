package measures

import (
	"context"
	"net/http"
	"slices"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
	"github.com/cmhf/operator/internal/coordination/suppression"
)

func registerSeveral(a *rest.API, synthetic bool) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/figures", Operation: access.ReadFigures, Tag: tag,
		Summary:     "Read the published figures of several measures",
		Description: "The figures of GET /v1/measures/{id}, for up to 60 measures at once, in the order in which they are asked for. " + suppression.Rule,
	}, func(ctx context.Context, tx *store.Tx, in *severalInput) (*severalOutput, error) {
		return several(ctx, tx, in, synthetic)
	})
}

type severalInput struct {
	Measures []string `query:"measure,explode" minItems:"1" maxItems:"60" required:"true" doc:"A measure's id; see GET /v1/measures. Repeat it for several." example:"person-wait-completed"`
	FigureFilter
}

type severalOutput struct {
	Body struct {
		Items     []FiguresOfMeasure `json:"items" nullable:"false"`
		Rule      string             `json:"rule" doc:"What is hidden and how figures are rounded, in words."`
		Synthetic bool               `json:"synthetic" doc:"The data are made up."`
	}
}

// FiguresOfMeasure are the published figures of one of several measures.
type FiguresOfMeasure struct {
	Measure Measure           `json:"measure"`
	Items   []PublishedFigure `json:"items" nullable:"false"`
}

func several(ctx context.Context, tx *store.Tx, in *severalInput, synthetic bool) (*severalOutput, error) {
	out := &severalOutput{}
	out.Body.Items, out.Body.Rule, out.Body.Synthetic = []FiguresOfMeasure{}, suppression.Rule, synthetic
	for n, id := range in.Measures {
		m, known := byID(id)
		switch {
		case !known:
			return nil, problem.InvalidField("query.measure", "number %d of those asked for is no measure; GET /v1/measures lists them", n+1)
		case slices.Contains(in.Measures[:n], id):
			return nil, problem.InvalidField("query.measure", "number %d of those asked for was asked for before", n+1)
		}
		out.Body.Items = append(out.Body.Items, FiguresOfMeasure{m, []PublishedFigure{}})
	}
	found, err := in.figures(ctx, tx, in.Measures)
	if err != nil {
		return nil, err
	}
	for n := range out.Body.Items {
		of := &out.Body.Items[n]
		of.Items = append(of.Items, found[of.Measure.ID]...)
	}
	return out, nil
}
