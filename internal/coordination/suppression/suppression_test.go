package suppression

import (
	"fmt"
	"slices"
	"testing"
)

func TestAlone(t *testing.T) {
	t.Parallel()
	for count, want := range map[int64]Figure{
		0: {State: Small}, 4: {State: Small}, 5: {Value: 5}, 7: {Value: 5}, 8: {Value: 10}, 12: {Value: 10}, 13: {Value: 15}, 1002: {Value: 1000}, 1003: {Value: 1005},
	} {
		if got := Alone(count); got != want {
			t.Errorf("%d: %+v, want %+v", count, got, want)
		}
	}
}

func TestPercent(t *testing.T) {
	t.Parallel()
	for parts, want := range map[[2]int64]int64{{5, 10}: 50, {5, 15}: 33, {10, 15}: 67, {5, 1000}: 1, {1000, 1000}: 100, {5, 40}: 13} {
		if got := Percent(parts[0], parts[1]); got != want {
			t.Errorf("%v: %d, want %d", parts, got, want)
		}
	}
}

// cells makes a table of a total and its parts.
func cells(total int64, parts ...int64) Table {
	t := Table{Cells: []Cell{{Key: "total", Count: total}}, Sums: []Sum{{Total: "total"}}}
	for i, count := range parts {
		key := fmt.Sprintf("part%d", i)
		t.Cells = append(t.Cells, Cell{Key: key, Count: count})
		t.Sums[0].Parts = append(t.Sums[0].Parts, key)
	}
	return t
}

func states(t *testing.T, figures map[string]Figure, keys ...string) (found []State) {
	t.Helper()
	for _, k := range keys {
		found = append(found, figures[k].State)
	}
	return found
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	missing := cells(40, 3, 30)
	missing.Cells = append(missing.Cells, Cell{Key: "part2", Missing: true})
	missing.Sums[0].Parts = append(missing.Sums[0].Parts, "part2")
	for name, test := range map[string]struct {
		table Table
		want  []State // total, part0, part1 …
	}{
		"nothing small":                       {cells(30, 10, 20), []State{Published, Published, Published}},
		"rounding alone leaves 0 to 4":        {cells(22, 2, 20), []State{Published, Small, Published}},
		"25 less 20 would leave 1 or more":    {cells(23, 3, 20), []State{Published, Small, Protected}},
		"two small ones hide each other":      {cells(24, 1, 3, 20), []State{Published, Small, Small, Published}},
		"the smallest other part is hidden":   {cells(128, 4, 22, 102), []State{Published, Small, Protected, Published}},
		"a small total has small parts":       {cells(3, 1, 2), []State{Small, Small, Small}},
		"all zero":                            {cells(0, 0, 0), []State{Small, Small, Small}},
		"small parts of a total that is not":  {cells(8, 4, 4), []State{Published, Small, Small}},
		"missing is not zero, and hides more": {missing, []State{Published, Small, Published, Missing}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			figures, err := Decide(test.table)
			if err != nil {
				t.Fatal(err)
			}
			keys := []string{"total"}
			for i := range test.want[1:] {
				keys = append(keys, fmt.Sprintf("part%d", i))
			}
			if got := states(t, figures, keys...); !slices.Equal(got, test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
			checkAttack(t, test.table, figures)
		})
	}
}

// A numerator is hidden when all but a few of the denominator are in it.
func TestSmallRest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		numerator, denominator int64
		want                   []State
	}{
		{50, 100, []State{Published, Published}},
		{95, 100, []State{Published, Published}},
		{96, 100, []State{Protected, Published}},
		{100, 100, []State{Protected, Published}},
		{4, 100, []State{Small, Published}},
		{3, 4, []State{Small, Small}},
	} {
		table := Table{
			Cells: []Cell{{Key: "n", Count: test.numerator}, {Key: "d", Count: test.denominator}},
			Pairs: []Pair{{"n", "d"}},
		}
		figures, err := Decide(table)
		if err != nil {
			t.Fatal(err)
		}
		if got := states(t, figures, "n", "d"); !slices.Equal(got, test.want) {
			t.Errorf("%d of %d: %v, want %v", test.numerator, test.denominator, got, test.want)
		}
		checkAttack(t, table, figures)
	}
}

func TestTablesThatAreWrong(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]Table{
		"parts that do not add up": cells(10, 5, 6),
		"a cell twice":             {Cells: []Cell{{Key: "a", Count: 1}, {Key: "a", Count: 2}}},
		"below zero":               {Cells: []Cell{{Key: "a", Count: -1}}},
		"an unknown total":         {Sums: []Sum{{Total: "a"}}},
		"an unknown part":          {Cells: []Cell{{Key: "a"}}, Sums: []Sum{{Total: "a", Parts: []string{"b"}}}},
		"an unknown numerator":     {Cells: []Cell{{Key: "a"}}, Pairs: []Pair{{"b", "a"}}},
		"more than all":            {Cells: []Cell{{Key: "a", Count: 2}, {Key: "b", Count: 1}}, Pairs: []Pair{{"a", "b"}}},
	} {
		if _, err := Decide(table); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The attacker of these tests finds out what rounding and hiding small counts alone would give away.
func TestAttackerIsGood(t *testing.T) {
	t.Parallel()
	table := cells(23, 3, 20)
	naive := map[string]Figure{}
	for _, c := range table.Cells {
		naive[c.Key] = Alone(c.Count)
	}
	a := newAttacker()
	a.learn(table, naive, nil)
	if a.possible("part0", 0) || !a.possible("part0", 1) {
		t.Error("the attacker does not see that 25 less 20 leaves 1 or more")
	}
	first, second := cells(20, 4, 16), cells(20, 4, 16)
	decided, err := Decide(first)
	if err != nil {
		t.Fatal(err)
	}
	b := newAttacker()
	b.learn(first, decided, nil)
	b.learn(second, map[string]Figure{"total": {Value: 20}, "part1": {Value: 15}}, first.counts())
	if decided["part1"].State == Published || b.possible("part0", 0) {
		t.Error("the attacker does not put two publications together")
	}
}
