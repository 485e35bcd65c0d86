package statistics

import (
	"strconv"

	"github.com/cmhf/operator/internal/coordination/suppression"
)

// Rule says in words what suppress does; it is shown with every figure.
const Rule = "Small counts, and others that would give one away, are hidden and shown as *; the rest are rounded to the nearest 5."

// suppress is the one place where an exact count becomes a figure that may be shown. A nil count is missing. These figures have nothing to do with one
// another that is published; those that do are decided together, in package measures.
func suppress(count *int64) Figure {
	if count == nil {
		return Figure{Value: "-"}
	}
	figure := suppression.Alone(*count)
	if figure.State != suppression.Published {
		return Figure{Value: "*", Suppressed: true}
	}
	return Figure{Value: strconv.FormatInt(figure.Value, 10), Count: &figure.Value}
}

// Figure is a count as it may be shown.
type Figure struct {
	Value      string `json:"value" doc:"The figure as it is shown: a number, * or -." example:"15"`
	Count      *int64 `json:"count" nullable:"true" doc:"The rounded figure; null when suppressed or missing."`
	Suppressed bool   `json:"suppressed"`
}
