// Package scores holds what the three outcome measures mean as numbers: which scores are valid, how a questionnaire is summed up,
// how a first score is paired with the latest one, and whether the difference is more than chance (care rule 8).
//
// Inputs are scores with their days; outputs are pairs, changes and their classes. Nothing here reads a database or a clock, and no
// questionnaire's text is held: they are licensed, and the numbers suffice. The source is section a6 of the domain facts, which gives
// the pairing of the national dashboard's code. A higher score is better in all three tools.
package scores

import (
	"fmt"
	"slices"
)

// Tool is an outcome measure. Services choose which of them help with whom.
type Tool string

// The tools that the national task-and-finish group recommended in October 2021 (facts a6).
const (
	DIALOG Tool = "DIALOG"
	ReQoL  Tool = "ReQoL-10"
	// GBO is Goal Based Outcomes: up to three goals of the person's own, each scored by how near it is.
	GBO Tool = "GBO"
)

// Total is the item that stands for a questionnaire as a whole. ReQoL-10 is compared by its total only.
const Total = 0

// scale is what a tool's items are numbered and scored by, ends included.
type scale struct {
	firstItem, lastItem int
	lowest, highest     int
	// reliable is the smallest difference that is more than chance, in points (facts a6).
	reliable int
}

var scales = map[Tool]scale{
	DIALOG: {firstItem: 1, lastItem: 11, lowest: 1, highest: 7, reliable: 1},
	ReQoL:  {firstItem: Total, lastItem: Total, lowest: 0, highest: 40, reliable: 5},
	GBO:    {firstItem: 1, lastItem: 3, lowest: 0, highest: 10, reliable: 3},
}

// Tools gives all tools in the order in which they are shown.
func Tools() []Tool { return []Tool{DIALOG, ReQoL, GBO} }

// ErrItem and ErrScore say which half of a score is wrong; their text says what is allowed and repeats no value.
type (
	ErrItem  struct{ text string }
	ErrScore struct{ text string }
)

func (e ErrItem) Error() string  { return e.text }
func (e ErrScore) Error() string { return e.text }

// Check refuses an item that the tool does not have and a score outside its scale. The error is an ErrItem or an ErrScore.
func Check(tool Tool, item, score int) error {
	s, known := scales[tool]
	switch {
	case !known:
		return ErrItem{"the tool is not known"}
	case item < s.firstItem || item > s.lastItem:
		if tool == ReQoL {
			return ErrItem{"ReQoL-10 is compared by its total, item 0"}
		}
		return ErrItem{fmt.Sprintf("%s has the items %d to %d", tool, s.firstItem, s.lastItem)}
	case score < s.lowest || score > s.highest:
		return ErrScore{fmt.Sprintf("%s is scored from %d to %d", tool, s.lowest, s.highest)}
	}
	return nil
}

// topics of DIALOG's items, in their order. They are subjects of life and treatment, not the questions' words.
var topics = []string{
	"mental health", "physical health", "job situation", "accommodation", "leisure", "friendships", "partner and family",
	"personal safety", "medication", "practical help", "meetings with professionals",
}

// Topic is what an item is about: a subject for DIALOG, and for the others what the number stands for.
func Topic(tool Tool, item int) string {
	switch {
	case tool == DIALOG && item >= 1 && item <= len(topics):
		return topics[item-1]
	case tool == GBO:
		return fmt.Sprintf("goal %d", item)
	}
	return "recovering quality of life"
}

// DIALOG's first eight items are about life, the last three about treatment (facts a6).
const (
	lastOfLife      = 8
	lastOfTreatment = 11
)

// QualityOfLife is the mean of DIALOG's items 1 to 8. There is none when one of them was left out: a mean of fewer items is another
// measure, and people leave out what hurts.
func QualityOfLife(byItem map[int]int) (mean float64, whole bool) {
	return meanOf(byItem, 1, lastOfLife)
}

// Satisfaction with treatment is the mean of DIALOG's items 9 to 11, on the same condition.
func Satisfaction(byItem map[int]int) (mean float64, whole bool) {
	return meanOf(byItem, lastOfLife+1, lastOfTreatment)
}

func meanOf(byItem map[int]int, first, last int) (float64, bool) {
	sum := 0
	for item := first; item <= last; item++ {
		score, answered := byItem[item]
		if !answered {
			return 0, false
		}
		sum += score
	}
	return float64(sum) / float64(last-first+1), true
}

// ReQoL-10 has ten answers from 0 to 4, scored so that higher is better.
const (
	ReQoLAnswers      = 10
	highestAnswer     = 4
	reqolRecoveryFrom = 25
)

// SumReQoL adds the ten answers up to the total.
func SumReQoL(answers []int) (int, error) {
	if len(answers) != ReQoLAnswers {
		return 0, ErrItem{"give either the total, or all ten answers as the items 1 to 10"}
	}
	total := 0
	for _, answer := range answers {
		if answer < 0 || answer > highestAnswer {
			return 0, ErrScore{fmt.Sprintf("an answer of ReQoL-10 is scored from 0 to %d", highestAnswer)}
		}
		total += answer
	}
	return total, nil
}

// safetyItem of DIALOG is about personal safety; riskUpTo is "very dissatisfied" and "dissatisfied".
const (
	safetyItem = 8
	riskUpTo   = 2
)

// SuggestsRisk tells whether a score by itself is reason to look at once whether the person is safe. Which answers to a licensed
// questionnaire are, only who holds its text can say; they tell so with the assessment.
func SuggestsRisk(tool Tool, item, score int) bool {
	return tool == DIALOG && item == safetyItem && score <= riskUpTo
}

func order(tool Tool) int { return slices.Index(Tools(), tool) }
