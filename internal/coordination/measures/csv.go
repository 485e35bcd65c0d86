package measures

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"
	"time"
)

type csvOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// csv writes one line for each figure. Every line says what it is, so that it can be read alone: the measure, the rules, how fresh it is, and whether
// the data are made up.
func (f MeasureFigures) csv() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	data := map[bool]string{true: "synthetic: made up", false: "live"}[f.Synthetic]
	line := func(fields ...string) {
		_ = w.Write(fields) // a buffer takes everything
	}
	line("measure", "title", "from", "to", "geography_kind", "geography", "place", "provider", "breakdown", "class", "state", "value", "unit", "numerator", "denominator",
		"reason", "rule_version", "suppression_version", "published_at", "facts_as_of", "revision", "source", "data")
	for _, i := range f.Items {
		star := map[string]string{hidden: "*", missing: "-"}[i.State]
		line(f.Measure.ID, plain(f.Measure.Title), i.From, i.To, i.GeographyKind, plain(i.Geography), plain(i.Place), i.Provider, i.Breakdown, i.Class, i.State, i.Shown,
			f.Measure.Unit, number(i.Numerator, star), f.denominator(i, star), i.Reason, i.CountedBy, i.RuleVersion,
			i.PublishedAt.Format(time.RFC3339), i.FactsAsOf.Format(time.RFC3339), strconv.Itoa(int(i.Revision)), plain(i.Source), data)
	}
	w.Flush()
	return b.Bytes()
}

func number(n *int64, otherwise string) string {
	if n == nil {
		return otherwise
	}
	return strconv.FormatInt(*n, 10)
}

// denominator is empty where the figure has none.
func (f MeasureFigures) denominator(i PublishedFigure, otherwise string) string {
	if f.Measure.Kind == Count && i.Breakdown != byBand {
		return ""
	}
	return number(i.Denominator, otherwise)
}

// plain keeps a name from being taken for a formula by a spreadsheet.
func plain(name string) string {
	if name != "" && strings.ContainsAny(name[:1], "=+-@\t\r") {
		return "'" + name
	}
	return name
}
