package figures

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Measure is what a figure of the coordination API measures, and how.
type Measure struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Definition  string `json:"definition"`
	Kind        string `json:"kind"` // Count, Percent or Rate
	Numerator   string `json:"numerator"`
	Denominator string `json:"denominator"`
	Unit        string `json:"unit"`
	BetterWhen  string `json:"betterWhen"` // Higher, Lower or Neither
	Rule        string `json:"rule"`
	RuleVersion string `json:"ruleVersion"`
}

// Publication is one month's figures, as they were last published.
type Publication struct {
	Period      string    `json:"period"` // 2026-10
	From        Date      `json:"from"`
	To          Date      `json:"to"`
	Revision    int       `json:"revision"`
	PublishedAt time.Time `json:"publishedAt"`
	FactsAsOf   time.Time `json:"factsAsOf"`
}

// Figure is one published figure.
type Figure struct {
	Publication
	GeographyKind string `json:"geographyKind"` // ICS, Place, Neighbourhood or Service
	Geography     string `json:"geography"`
	Place         string `json:"place"`
	Breakdown     string `json:"breakdown"`
	Class         string `json:"class"`
	State         string `json:"state"` // Published, Hidden or Missing
	Shown         string `json:"shown"`
	Value         *int64 `json:"value"`
	Numerator     *int64 `json:"numerator"`
	Denominator   *int64 `json:"denominator"`
	Reason        string `json:"reason"`
	Source        string `json:"source"`
}

// The states of a figure.
const (
	Published = "Published"
	Hidden    = "Hidden"
	Missing   = "Missing"
)

// check refuses a figure that is both hidden and told.
func (f Figure) check() error {
	if (f.State == Published) != (f.Value != nil) || (f.State == Hidden) != (f.Shown == "*") {
		return fmt.Errorf("a figure of %s for %s is ambiguous: state, value and what is shown do not agree", f.Period, f.Geography)
	}
	return nil
}

// Query says which figures are wanted. Empty fields take what the API takes then: the latest month, of the ICS, without a breakdown.
type Query struct {
	Measures                 []string
	Period                   string // a month, latest or all
	GeographyKind, Geography string
	Breakdown                string
}

// values is the query as the API takes it, without the measures.
func (q Query) values() url.Values {
	values := url.Values{}
	for name, value := range map[string]string{"period": q.Period, "geographyKind": q.GeographyKind, "geography": q.Geography, "breakdown": q.Breakdown} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return values
}

// MeasureFigures are a measure's figures.
type MeasureFigures struct {
	Measure Measure  `json:"measure"`
	Items   []Figure `json:"items"`
}

// Figures are those of several measures.
type Figures struct {
	Items     []MeasureFigures `json:"items"`
	Rule      string           `json:"rule"`
	Synthetic bool             `json:"synthetic"`
}

// Of gives the figures of a measure; none when it was not asked for.
func (f Figures) Of(measure string) MeasureFigures {
	for _, m := range f.Items {
		if m.Measure.ID == measure {
			return m
		}
	}
	return MeasureFigures{}
}

// Figures fetches figures of several measures at once.
func (c *Client) Figures(ctx context.Context, call Call, q Query) (Figures, error) {
	if len(q.Measures) == 0 {
		return Figures{}, nil
	}
	values := q.values()
	values["measure"] = q.Measures
	var got Figures
	if err := c.get(ctx, call, "/v1/figures", values, &got); err != nil {
		return Figures{}, err
	}
	for _, m := range got.Items {
		for _, f := range m.Items {
			if err := f.check(); err != nil {
				return Figures{}, fmt.Errorf("use the figures of %s: %w", m.Measure.ID, err)
			}
		}
	}
	return got, nil
}

// CSV fetches a measure's figures as a file. The caller closes it.
func (c *Client) CSV(ctx context.Context, call Call, measure string, q Query) (io.ReadCloser, error) {
	resp, err := c.do(ctx, call, "/v1/measures/"+url.PathEscape(measure)+"/figures.csv", q.values(), "text/csv")
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close() // the answer is of no use
		return nil, statusError("/v1/measures", resp.StatusCode)
	}
	return resp.Body, nil
}
