package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
)

// renderCost measures the making of stacks in a process of its own, where nothing is warm yet. The systems come from the API server,
// with its defaults.
func (b *bench) renderCost(ctx context.Context) error {
	list := &v1alpha1.IntegratedCareSystemList{}
	if err := b.user.List(ctx, list); err != nil {
		return fmt.Errorf("listing the systems to render: %w", err)
	}
	var inputs []stack.Inputs
	for i := range list.Items {
		in, err := settings().Inputs(ctx, b.user, &list.Items[i])
		if err != nil {
			return err
		}
		inputs = append(inputs, in)
	}
	raw, err := json.Marshal(inputs)
	if err != nil {
		return fmt.Errorf("encoding what to render: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("looking for this program: %w", err)
	}
	command := exec.CommandContext(ctx, self, "-render")
	command.Stdin, command.Stderr = bytes.NewReader(raw), os.Stderr
	answer, err := command.Output()
	if err != nil {
		return fmt.Errorf("rendering in a process of its own: %w", err)
	}
	var cost rendering
	if err := json.Unmarshal(answer, &cost); err != nil {
		return fmt.Errorf("reading what rendering took: %w", err)
	}
	b.table.add("render", "cold", cost.Cold, "ms", "< 200 ms")
	b.table.add("render", "warm, median", cost.Warm, "ms", "< 2 ms")
	return nil
}

// rendering is what the first stack and the others took, in milliseconds.
type rendering struct{ Cold, Warm float64 }

func render(in io.Reader, out io.Writer) error {
	var inputs []stack.Inputs
	if err := json.NewDecoder(in).Decode(&inputs); err != nil {
		return fmt.Errorf("reading what to render: %w", err)
	}
	renderer := stack.NewRenderer()
	var taken []time.Duration
	for _, in := range inputs {
		began := time.Now()
		if _, err := renderer.Render(in); err != nil {
			return err
		}
		taken = append(taken, time.Since(began))
	}
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return json.NewEncoder(out).Encode(rendering{milliseconds(taken[0]), milliseconds(quantile(taken[1:], 0.5))})
}
