package statistics

import "strconv"

// Rule says in words what suppress does; it is shown with every figure.
const Rule = "Counts below 5 are shown as *; others are rounded to the nearest 5."

// threshold and step follow the disclosure control of the national community mental health statistics.
const (
	threshold = 5
	step      = 5
)

// suppress is the one place where an exact count becomes a figure that may be shown. A nil count is missing.
func suppress(count *int64) Figure {
	switch {
	case count == nil:
		return Figure{Value: "-"}
	case *count < threshold:
		return Figure{Value: "*", Suppressed: true}
	}
	rounded := (*count + step/2) / step * step
	return Figure{Value: strconv.FormatInt(rounded, 10), Count: &rounded}
}

// Figure is a count as it may be shown.
type Figure struct {
	Value      string `json:"value" doc:"The figure as it is shown: a number, * or -." example:"15"`
	Count      *int64 `json:"count" nullable:"true" doc:"The rounded figure; null when suppressed or missing."`
	Suppressed bool   `json:"suppressed"`
}
