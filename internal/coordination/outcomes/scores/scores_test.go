package scores_test

import (
	"errors"
	"testing"

	"github.com/cmhf/operator/internal/coordination/outcomes/scores"
)

// Ranges of facts a6: DIALOG 11 items of 1-7, ReQoL-10 0-40 in all, up to three goals of 0-10.
func TestCheck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tool        scores.Tool
		item, score int
		wrong       string
	}{
		"DIALOG lowest":          {scores.DIALOG, 1, 1, ""},
		"DIALOG highest":         {scores.DIALOG, 11, 7, ""},
		"DIALOG 0 is no answer":  {scores.DIALOG, 1, 0, "score"},
		"DIALOG 8 is no answer":  {scores.DIALOG, 1, 8, "score"},
		"DIALOG negative":        {scores.DIALOG, 1, -1, "score"},
		"DIALOG has no total":    {scores.DIALOG, scores.Total, 4, "item"},
		"DIALOG has no item 12":  {scores.DIALOG, 12, 4, "item"},
		"ReQoL-10 lowest":        {scores.ReQoL, scores.Total, 0, ""},
		"ReQoL-10 highest":       {scores.ReQoL, scores.Total, 40, ""},
		"ReQoL-10 above":         {scores.ReQoL, scores.Total, 41, "score"},
		"ReQoL-10 below":         {scores.ReQoL, scores.Total, -1, "score"},
		"ReQoL-10 by items":      {scores.ReQoL, 1, 4, "item"},
		"goal lowest":            {scores.GBO, 1, 0, ""},
		"goal highest":           {scores.GBO, 3, 10, ""},
		"goal above":             {scores.GBO, 3, 11, "score"},
		"goal below":             {scores.GBO, 3, -1, "score"},
		"no fourth goal":         {scores.GBO, 4, 5, "item"},
		"no goal 0":              {scores.GBO, 0, 5, "item"},
		"a tool of another kind": {"HoNOS", 1, 1, "item"},
	} {
		err := scores.Check(test.tool, test.item, test.score)
		got := ""
		if errors.As(err, new(scores.ErrItem)) {
			got = "item"
		} else if errors.As(err, new(scores.ErrScore)) {
			got = "score"
		} else if err != nil {
			got = "another error"
		}
		if got != test.wrong {
			t.Errorf("%s: %v, want %q to be wrong", name, err, test.wrong)
		}
	}
}

// Facts a6: the mean of items 1-8 is quality of life, that of 9-11 satisfaction with treatment.
func TestMeansOfDIALOG(t *testing.T) {
	t.Parallel()
	whole := map[int]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 4, 9: 7, 10: 6, 11: 6}
	if mean, ok := scores.QualityOfLife(whole); !ok || mean != 4 {
		t.Errorf("quality of life: %v, %v, want 4", mean, ok)
	}
	if mean, ok := scores.Satisfaction(whole); !ok || mean < 6.33 || mean > 6.34 {
		t.Errorf("satisfaction: %v, %v, want 6.33", mean, ok)
	}
	delete(whole, 8)
	if _, ok := scores.QualityOfLife(whole); ok {
		t.Error("there is a quality of life although an item was left out")
	}
	if _, ok := scores.Satisfaction(whole); !ok {
		t.Error("no satisfaction although its three items were answered")
	}
	if _, ok := scores.Satisfaction(nil); ok {
		t.Error("there is a satisfaction without answers")
	}
}

func TestSumReQoL(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers []int
		total   int
		fails   bool
	}{
		"best":       {[]int{4, 4, 4, 4, 4, 4, 4, 4, 4, 4}, 40, false},
		"worst":      {make([]int, 10), 0, false},
		"mixed":      {[]int{0, 1, 2, 3, 4, 0, 1, 2, 3, 4}, 20, false},
		"nine":       {make([]int, 9), 0, true},
		"eleven":     {make([]int, 11), 0, true},
		"none":       {nil, 0, true},
		"five":       {[]int{5, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, true},
		"below zero": {[]int{0, 0, 0, 0, 0, 0, 0, 0, 0, -1}, 0, true},
	} {
		total, err := scores.SumReQoL(test.answers)
		if total != test.total || (err != nil) != test.fails {
			t.Errorf("%s: %d, %v", name, total, err)
		}
	}
}

func TestSuggestsRisk(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		tool        scores.Tool
		item, score int
		want        bool
	}{
		{scores.DIALOG, 8, 1, true}, {scores.DIALOG, 8, 2, true}, {scores.DIALOG, 8, 3, false}, {scores.DIALOG, 7, 1, false},
		{scores.ReQoL, 0, 0, false}, {scores.GBO, 1, 0, false},
	} {
		if got := scores.SuggestsRisk(test.tool, test.item, test.score); got != test.want {
			t.Errorf("%s item %d scored %d: %v", test.tool, test.item, test.score, got)
		}
	}
}

func TestTopics(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		tool scores.Tool
		item int
		want string
	}{
		{scores.DIALOG, 1, "mental health"}, {scores.DIALOG, 8, "personal safety"}, {scores.DIALOG, 11, "meetings with professionals"},
		{scores.GBO, 2, "goal 2"}, {scores.ReQoL, scores.Total, "recovering quality of life"},
	} {
		if got := scores.Topic(test.tool, test.item); got != test.want {
			t.Errorf("%s item %d is about %q, want %q", test.tool, test.item, got, test.want)
		}
	}
}
