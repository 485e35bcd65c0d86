package scores_test

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/cmhf/operator/internal/coordination/outcomes/scores"
)

func on(days int) time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, days) }

func score(tool scores.Tool, item, value, day int) scores.Score {
	return scores.Score{Tool: tool, Item: item, Score: value, On: on(day), ID: uuid.UUID{15: byte(day)}}
}

// Facts a6: reliable change is 1 point for a DIALOG item, 5 for ReQoL-10, 3 for a goal; recovery crosses 25 and is reliable.
func TestCompareOnePair(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tool       scores.Tool
		from, to   int
		want       scores.Class
		recovered  bool
		wantsWords string
	}{
		"DIALOG up by 1":                 {scores.DIALOG, 4, 5, scores.Improvement, false, "reliably better"},
		"DIALOG the same":                {scores.DIALOG, 4, 4, scores.NoChange, false, "the same"},
		"DIALOG down by 1":               {scores.DIALOG, 4, 3, scores.Deterioration, false, "reliably worse"},
		"goal up by 2":                   {scores.GBO, 3, 5, scores.NoChange, false, "by chance"},
		"goal up by 3":                   {scores.GBO, 3, 6, scores.Improvement, false, "reliably better"},
		"goal down by 2":                 {scores.GBO, 5, 3, scores.NoChange, false, "by chance"},
		"goal down by 3":                 {scores.GBO, 5, 2, scores.Deterioration, false, "reliably worse"},
		"ReQoL-10 up by 4":               {scores.ReQoL, 10, 14, scores.NoChange, false, "by chance"},
		"ReQoL-10 up by 5 and below 25":  {scores.ReQoL, 10, 15, scores.Improvement, false, "reliably better."},
		"ReQoL-10 down by 5":             {scores.ReQoL, 15, 10, scores.Deterioration, false, "reliably worse"},
		"recovery, just":                 {scores.ReQoL, 20, 25, scores.Improvement, true, "recovery line"},
		"recovery from 24":               {scores.ReQoL, 24, 29, scores.Improvement, true, "recovery line"},
		"crosses 25 but by 4 only":       {scores.ReQoL, 21, 25, scores.NoChange, false, "by chance"},
		"crosses 25 by 1":                {scores.ReQoL, 24, 25, scores.NoChange, false, "by chance"},
		"improved from 25 on":            {scores.ReQoL, 25, 35, scores.Improvement, false, "reliably better."},
		"improved to 24":                 {scores.ReQoL, 10, 24, scores.Improvement, false, "reliably better."},
		"falls through 25":               {scores.ReQoL, 30, 20, scores.Deterioration, false, "reliably worse"},
		"a goal that crosses 25 is none": {scores.GBO, 0, 10, scores.Improvement, false, "reliably better."},
	} {
		item := 1
		if test.tool == scores.ReQoL {
			item = scores.Total
		}
		results := scores.Compare([]scores.Score{score(test.tool, item, test.from, 0), score(test.tool, item, test.to, 30)})
		if len(results) != 1 {
			t.Fatalf("%s: %d results", name, len(results))
		}
		r := results[0]
		if r.Change != test.to-test.from || r.Class != test.want || r.Recovered != test.recovered || !strings.Contains(r.Words(), test.wantsWords) {
			t.Errorf("%s: %+v, %q", name, r, r.Words())
		}
	}
}

// Facts a6: baseline is the first valid score of an item, follow-up the latest later valid score of the same item.
func TestComparePairs(t *testing.T) {
	t.Parallel()
	results := scores.Compare([]scores.Score{
		score(scores.GBO, 1, 5, 10), score(scores.DIALOG, 2, 7, 50), score(scores.DIALOG, 2, 3, 20), score(scores.DIALOG, 2, 1, 40),
		score(scores.DIALOG, 2, 8, 60), score(scores.DIALOG, 2, 0, 1), // out of range: neither first nor latest
		score(scores.DIALOG, 3, 4, 20), score(scores.ReQoL, scores.Total, 20, 5), score(scores.ReQoL, scores.Total, 30, 6),
	})
	type short struct {
		tool                scores.Tool
		item, from, to, day int
	}
	var got []short
	for _, r := range results {
		s := short{r.Tool, r.Item, r.Baseline.Score, -1, -1}
		if r.FollowUp != nil {
			s.to, s.day = r.FollowUp.Score, int(r.FollowUp.On.Sub(on(0)).Hours()/24)
		}
		got = append(got, s)
	}
	want := []short{{scores.DIALOG, 2, 3, 7, 50}, {scores.DIALOG, 3, 4, -1, -1}, {scores.ReQoL, 0, 20, 30, 6}, {scores.GBO, 1, 5, -1, -1}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if words := results[1].Words(); !strings.Contains(words, "job situation") || !strings.Contains(words, "nothing to compare") {
		t.Errorf("a single score: %q", words)
	}
}

// Two scores of one day are not a change, whichever was entered first.
func TestCompareSameDay(t *testing.T) {
	t.Parallel()
	a, b := score(scores.GBO, 1, 2, 7), score(scores.GBO, 1, 9, 7)
	a.ID, b.ID = uuid.UUID{1}, uuid.UUID{2}
	for _, input := range [][]scores.Score{{a, b}, {b, a}} {
		if results := scores.Compare(input); len(results) != 1 || results[0].FollowUp != nil || results[0].Baseline != a {
			t.Errorf("got %+v", results)
		}
	}
	if results := scores.Compare(nil); len(results) != 0 {
		t.Errorf("nothing gives %v", results)
	}
}

// Facts a6: two or more contacts, and for open spells 180 days or more.
func TestCounted(t *testing.T) {
	t.Parallel()
	closed := on(20)
	for name, test := range map[string]struct {
		spell scores.Spell
		day   int
		want  scores.Why
	}{
		"open 180 days":       {scores.Spell{OpenedOn: on(0), Contacts: 2}, 180, scores.Counts},
		"open 179 days":       {scores.Spell{OpenedOn: on(0), Contacts: 2}, 179, scores.OpenTooShort},
		"one contact":         {scores.Spell{OpenedOn: on(0), Contacts: 1}, 400, scores.TooFewContacts},
		"no contact":          {scores.Spell{OpenedOn: on(0)}, 10, scores.TooFewContacts},
		"closed after 20":     {scores.Spell{OpenedOn: on(0), ClosedOn: &closed, Contacts: 2}, 20, scores.Counts},
		"closed, one contact": {scores.Spell{OpenedOn: on(0), ClosedOn: &closed, Contacts: 1}, 400, scores.TooFewContacts},
	} {
		if got := test.spell.Counted(on(test.day)); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

var anyScore = rapid.Custom(func(t *rapid.T) scores.Score {
	return scores.Score{
		Tool: rapid.SampledFrom(scores.Tools()).Draw(t, "tool"), Item: rapid.IntRange(-1, 12).Draw(t, "item"),
		Score: rapid.IntRange(-2, 42).Draw(t, "score"), On: on(rapid.IntRange(0, 5).Draw(t, "day")),
		ID: uuid.UUID{15: rapid.Byte().Draw(t, "id")},
	}
})

// The order in which scores come decides nothing, every pair is of one item, and none is out of its scale.
func TestCompareIsIndependentOfOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		input := rapid.SliceOf(anyScore).Draw(t, "scores")
		want := scores.Compare(input)
		shuffled := append([]scores.Score{}, input...)
		seed := rapid.Uint64().Draw(t, "seed")
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := scores.Compare(shuffled); !reflect.DeepEqual(got, want) {
			t.Fatalf("%v shuffled gives %v", want, got)
		}
		for _, r := range want {
			if scores.Check(r.Tool, r.Item, r.Baseline.Score) != nil {
				t.Fatalf("an invalid baseline: %+v", r)
			}
			if f := r.FollowUp; f != nil {
				if f.Tool != r.Tool || f.Item != r.Item || !f.On.After(r.Baseline.On) || scores.Check(f.Tool, f.Item, f.Score) != nil || r.Change != f.Score-r.Baseline.Score {
					t.Fatalf("a wrong pair: %+v with %+v", r, *f)
				}
			}
		}
	})
}

// A change and its opposite have opposite classes, and a better score never has a worse class.
func TestClassesAreSymmetricAndMonotonic(t *testing.T) {
	t.Parallel()
	rank := map[scores.Class]int{scores.Deterioration: -1, scores.NoChange: 0, scores.Improvement: 1}
	rapid.Check(t, func(t *rapid.T) {
		tool := rapid.SampledFrom(scores.Tools()).Draw(t, "tool")
		change := rapid.IntRange(-40, 40).Draw(t, "change")
		if rank[scores.Classify(tool, change)] != -rank[scores.Classify(tool, -change)] {
			t.Fatalf("%s: %d and %d are no opposites", tool, change, -change)
		}
		better := rapid.IntRange(change, 41).Draw(t, "better")
		if rank[scores.Classify(tool, better)] < rank[scores.Classify(tool, change)] {
			t.Fatalf("%s: %d has a worse class than %d", tool, better, change)
		}
		from := rapid.IntRange(0, 40).Draw(t, "from")
		to := rapid.IntRange(from, 40).Draw(t, "to")
		if scores.Recovered(tool, from, to) {
			if higher := rapid.IntRange(to, 40).Draw(t, "higher"); !scores.Recovered(tool, from, higher) {
				t.Fatalf("%d to %d recovers and %d does not", from, to, higher)
			}
			if scores.Classify(tool, to-from) != scores.Improvement || scores.Recovered(tool, to, from) {
				t.Fatalf("%d to %d recovers without being better", from, to)
			}
		}
	})
}

// To answer better never lowers a mean or a total, and both stay in their scale.
func TestSumsAreMonotonic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		answers := rapid.SliceOfN(rapid.IntRange(0, 4), 10, 10).Draw(t, "answers")
		before, err := scores.SumReQoL(answers)
		if err != nil || scores.Check(scores.ReQoL, scores.Total, before) != nil {
			t.Fatalf("%v gives %d, %v", answers, before, err)
		}
		i := rapid.IntRange(0, 9).Draw(t, "which")
		answers[i] = rapid.IntRange(answers[i], 4).Draw(t, "better")
		if after, err := scores.SumReQoL(answers); err != nil || after < before {
			t.Fatalf("a better answer lowered %d to %d", before, after)
		}
		byItem := map[int]int{}
		for item := 1; item <= 11; item++ {
			byItem[item] = rapid.IntRange(1, 7).Draw(t, "item")
		}
		life, ok := scores.QualityOfLife(byItem)
		treatment, okToo := scores.Satisfaction(byItem)
		if !ok || !okToo || life < 1 || life > 7 || treatment < 1 || treatment > 7 {
			t.Fatalf("%v gives %v and %v", byItem, life, treatment)
		}
		item := rapid.IntRange(1, 8).Draw(t, "which item")
		byItem[item] = rapid.IntRange(byItem[item], 7).Draw(t, "better score")
		if after, _ := scores.QualityOfLife(byItem); after < life {
			t.Fatalf("a better item lowered %v to %v", life, after)
		}
		if after, _ := scores.Satisfaction(byItem); after != treatment {
			t.Fatalf("an item about life changed the satisfaction with treatment")
		}
	})
}
