// Package charts draws figures as SVG on the server: a trend over periods, a small one for a tile, a bar for a row of a table.
//
// A drawing holds no text but its title and description, which say it to those who do not see it: words stand in the page beside it, in
// the reader's own size, and every figure in a table. So a drawing may be stretched to any width. Nothing has an inline style, and shapes
// differ beside colours: the style sheet gives them by class, and a reader's forced colours apply.
package charts

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// The grid of a drawing; browsers stretch it.
const (
	width  = 600
	height = 160
	margin = 8
)

// Value is one point of a trend.
type Value struct {
	// Number is nil where there is no figure to show.
	Number *float64
	// Hidden: the figure is not shown, which is drawn in its place at the foot.
	Hidden bool
	// Break: figures from here on can't be compared with those before.
	Break bool
}

// Trend is figures of periods, oldest first.
type Trend struct {
	// ID is unique in the page.
	ID          string
	Title       string
	Description string
	Values      []Value
	// Target is drawn as a line; nil for none.
	Target *float64
	// Top is the upper end of the scale, which begins at zero; 0 takes that of the figures.
	Top float64
}

// Scale gives the upper end of the scale: a round number that no figure is above.
func (t Trend) Scale() float64 {
	top := t.Top
	for _, v := range t.Values {
		if v.Number != nil {
			top = math.Max(top, *v.Number)
		}
	}
	if t.Target != nil {
		top = math.Max(top, *t.Target)
	}
	return roundUp(top)
}

// roundUp gives 1, 2, 2.5 or 5 times a power of ten, not below the value.
func roundUp(value float64) float64 {
	if value <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(value)))
	for _, step := range []float64{1, 2, 2.5, 5} {
		if step*power >= value {
			return step * power
		}
	}
	return 10 * power
}

// Draw draws a trend for a chart.
func (t Trend) Draw() template.HTML { return t.draw("app-chart", true) }

// Spark draws a trend for a tile: a line alone.
func (t Trend) Spark() template.HTML { return t.draw("app-spark", false) }

func (t Trend) draw(class string, full bool) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="%s" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-labelledby="%s-title %s-desc" focusable="false">`, class, width, height, t.ID, t.ID)
	fmt.Fprintf(&b, `<title id="%s-title">%s</title><desc id="%s-desc">%s</desc>`, t.ID, template.HTMLEscapeString(t.Title), t.ID, template.HTMLEscapeString(t.Description))
	scale := t.Scale()
	if full {
		for _, part := range []float64{0, 0.5, 1} {
			y := place(part*scale, scale)
			fmt.Fprintf(&b, `<path class="app-chart__grid" d="M0 %s H%d"/>`, y, width)
		}
	}
	if t.Target != nil {
		fmt.Fprintf(&b, `<path class="app-chart__target" d="M0 %s H%d"/>`, place(*t.Target, scale), width)
	}
	b.WriteString(t.line(scale))
	for i, v := range t.Values {
		x := t.across(i)
		switch {
		case full && v.Break:
			fmt.Fprintf(&b, `<path class="app-chart__break" d="M%s 0 V%d"/>`, x, height)
			fallthrough
		case v.Number != nil && (full || i == len(t.Values)-1):
			if v.Number != nil {
				fmt.Fprintf(&b, `<path class="app-chart__dot" d="M%s %s h0"/>`, x, place(*v.Number, scale))
			}
		case v.Hidden && full:
			fmt.Fprintf(&b, `<path class="app-chart__hidden" d="M%s %d v-12"/>`, x, height-margin)
		}
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers of our own, and text that was escaped
}

// line joins figures that follow one another and can be compared.
func (t Trend) line(scale float64) string {
	var d strings.Builder
	joined := false
	for i, v := range t.Values {
		if v.Number == nil {
			joined = false
			continue
		}
		step := "L"
		if !joined || v.Break {
			step = "M"
		}
		fmt.Fprintf(&d, "%s%s %s ", step, t.across(i), place(*v.Number, scale))
		joined = true
	}
	if d.Len() == 0 {
		return ""
	}
	return `<path class="app-chart__line" d="` + strings.TrimSpace(d.String()) + `"/>`
}

// across gives the position of a period from left to right.
func (t Trend) across(i int) string {
	if len(t.Values) < 2 {
		return number(width / 2)
	}
	return number(margin + float64(i)*(width-2*margin)/float64(len(t.Values)-1))
}

// place gives the height of a value, from above.
func place(value, scale float64) string {
	return number(height - margin - math.Max(0, value)/scale*(height-2*margin))
}

func number(value float64) string {
	return strconv.FormatFloat(math.Round(value*10)/10, 'f', -1, 64)
}

// Bar draws a value as a bar from zero for the row of a table that says it in figures; the drawing is for the eye alone.
func Bar(value, scale float64) template.HTML {
	if scale <= 0 {
		scale = 1
	}
	share := math.Min(1, math.Max(0, value/scale))
	return template.HTML(fmt.Sprintf( //nolint:gosec // numbers of our own
		`<svg class="app-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="app-bar__ground" width="100" height="10"/><rect class="app-bar__value" width="%s" height="10"/></svg>`,
		number(share*100)))
}
