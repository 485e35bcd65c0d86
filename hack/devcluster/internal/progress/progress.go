// Package progress prints what a command does, one line per step with its time.
//
// In: steps as they are done. Out: lines on a writer. It does not log, colour or
// redraw, so that the output reads the same in a terminal and in a CI log.
package progress

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// patience is how long a step may run before a line says that it still does.
const patience = 30 * time.Second

// Printer prints the steps of one command.
type Printer struct {
	out   io.Writer
	start time.Time
	mu    sync.Mutex
}

// New returns a printer whose total time starts now.
func New(out io.Writer) *Printer {
	return &Printer{out: out, start: time.Now()}
}

// Step runs do and prints one line with its time. The text that do returns is
// put behind the name; an error is returned and its line says "failed".
func (p *Printer) Step(name string, do func() (string, error)) error {
	begin := time.Now()
	done := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		tick := time.NewTicker(patience)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				p.print("  .... %s: still at it after %s\n", name, round(time.Since(begin)))
			}
		}
	})
	note, err := do()
	close(done)
	waiting.Wait()
	if err != nil {
		p.print("  %7s  %s: failed\n", round(time.Since(begin)), name)
		return err
	}
	if note != "" {
		name += ": " + note
	}
	p.print("  %7s  %s\n", round(time.Since(begin)), name)
	return nil
}

// Say prints a line that belongs to no step.
func (p *Printer) Say(format string, args ...any) {
	p.print(format+"\n", args...)
}

// Total returns the time since the printer was made.
func (p *Printer) Total() string {
	return round(time.Since(p.start))
}

func (p *Printer) print(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, format, args...)
}

func round(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}
