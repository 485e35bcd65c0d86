package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// table collects the figures of a run.
type table struct{ rows []row }

type row struct {
	scenario, measure string
	value             float64
	unit              string
	// reach is what is to be reached, empty where nothing is promised.
	reach string
}

func (t *table) add(scenario, measure string, value float64, unit, reach string) {
	fmt.Fprintf(os.Stderr, "%s: %s %.2f %s\n", scenario, measure, value, unit)
	t.rows = append(t.rows, row{scenario, measure, value, unit, reach})
}

// span is what earlier runs have seen.
type span struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

func (t *table) print(w io.Writer, file string, update bool) error {
	ranges := map[string]span{}
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, &ranges)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("reading the ranges of earlier runs: %w", err)
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "scenario\tmeasure\tthis run\tearlier runs\tto reach")
	for _, r := range t.rows {
		key := r.scenario + ", " + r.measure
		seen, known := ranges[key]
		earlier := "none"
		if known {
			earlier = fmt.Sprintf("%.2f to %.2f", seen.Low, seen.High)
			if r.value < seen.Low || r.value > seen.High {
				earlier += " (outside)"
			}
		} else {
			seen = span{r.value, r.value}
		}
		fmt.Fprintf(out, "%s\t%s\t%.2f %s\t%s\t%s\n", r.scenario, r.measure, r.value, r.unit, earlier, r.reach)
		ranges[key] = span{min(seen.Low, r.value), max(seen.High, r.value)}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("printing the table: %w", err)
	}
	if !update {
		return nil
	}
	if raw, err = json.MarshalIndent(ranges, "", "  "); err != nil {
		return fmt.Errorf("encoding the ranges: %w", err)
	}
	if err := os.WriteFile(file, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the ranges: %w", err)
	}
	return nil
}

// median of some durations, or another quantile.
func quantile(of []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
