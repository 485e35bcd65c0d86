package charts_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/dashboard/charts"
)

func number(v float64) charts.Value { return charts.Value{Number: &v} }

// wellFormed reads a drawing as XML and gives the d attributes of the paths of a class.
func wellFormed(t *testing.T, drawing, class string) (found []string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(drawing))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("the drawing is not well-formed: %v\n%s", err, drawing)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		var d, c string
		for _, a := range start.Attr {
			switch a.Name.Local {
			case "style":
				t.Error("an inline style, which the content security policy refuses")
			case "d":
				d = a.Value
			case "class":
				c = a.Value
			}
		}
		if c == class {
			found = append(found, d)
		}
	}
}

func TestTrend(t *testing.T) {
	t.Parallel()
	target := 100.0
	trend := charts.Trend{
		ID: "waits", Title: `Waits <"&'`, Description: "From 0 to 100", Target: &target,
		Values: []charts.Value{number(0), number(50), {Hidden: true}, number(100), {Number: number(80).Number, Break: true}},
	}
	drawing := string(trend.Draw())
	if lines := wellFormed(t, drawing, "app-chart__line"); len(lines) != 1 || lines[0] != "M8 152 L154 80 M446 8 M592 36.8" {
		t.Errorf("the line is %q: it must not lead over a hidden figure or a break", lines)
	}
	if dots := wellFormed(t, drawing, "app-chart__dot"); len(dots) != 4 {
		t.Errorf("%d dots for four figures", len(dots))
	}
	if hidden := wellFormed(t, drawing, "app-chart__hidden"); len(hidden) != 1 {
		t.Errorf("%d marks for one hidden figure", len(hidden))
	}
	if lines := wellFormed(t, drawing, "app-chart__target"); len(lines) != 1 || !strings.Contains(lines[0], "M0 8 ") {
		t.Errorf("the target is at %q", lines)
	}
	if !strings.Contains(drawing, `aria-labelledby="waits-title waits-desc"`) {
		t.Error("the drawing does not say what it is")
	}
	if strings.Contains(drawing, `Waits <`) {
		t.Error("the title is not escaped")
	}
	if spark := string(trend.Spark()); len(wellFormed(t, spark, "app-chart__dot")) != 1 || len(wellFormed(t, spark, "app-chart__grid")) != 0 {
		t.Error("a spark is a line with its last point")
	}
}

func TestScaleIsRound(t *testing.T) {
	t.Parallel()
	for value, want := range map[float64]float64{0: 1, 0.3: 0.5, 1: 1, 7: 10, 12: 20, 21: 25, 26: 50, 99: 100, 101: 200, 1001: 2000} {
		if got := (charts.Trend{Values: []charts.Value{number(value)}}).Scale(); got != want {
			t.Errorf("the scale of %v ends at %v, want %v", value, got, want)
		}
	}
	if got := (charts.Trend{Values: []charts.Value{number(40)}, Top: 100}).Scale(); got != 100 {
		t.Errorf("a scale that is to end at 100 ends at %v", got)
	}
}

func TestNothingToDraw(t *testing.T) {
	t.Parallel()
	if lines := wellFormed(t, string(charts.Trend{ID: "none"}.Draw()), "app-chart__line"); len(lines) != 0 {
		t.Errorf("there is a line of nothing: %q", lines)
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	for value, want := range map[float64]string{0: `width="0"`, 25: `width="50"`, 80: `width="100"`, -3: `width="0"`} {
		drawing := string(charts.Bar(value, 50))
		wellFormed(t, drawing, "")
		if !strings.Contains(drawing, `app-bar__value" `+want) {
			t.Errorf("the bar of %v of 50 is %s, want %s", value, drawing, want)
		}
	}
}
