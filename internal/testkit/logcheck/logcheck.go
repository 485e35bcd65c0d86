// Package logcheck collects what the operator logs as errors, so that a test without faults can insist on none. It is a sink
// for logr; lines below the level of errors are dropped.
package logcheck

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Errors collects the error lines of every logger made from it.
type Errors struct {
	mu    sync.Mutex
	lines []string
}

// Logger writes to the collection.
func (e *Errors) Logger() logr.Logger { return logr.New(sink{to: e}) }

// Take returns the lines so far and forgets them.
func (e *Errors) Take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	lines := e.lines
	e.lines = nil
	return lines
}

type sink struct {
	to     *Errors
	name   string
	values []any
}

func (s sink) Init(logr.RuntimeInfo)    {}
func (s sink) Enabled(int) bool         { return true }
func (s sink) Info(int, string, ...any) {}

func (s sink) Error(err error, message string, values ...any) {
	if stopped(message, err) {
		return
	}
	line := strings.TrimSpace(fmt.Sprintln(append([]any{s.name, message, err}, append(s.values, values...)...)...))
	s.to.mu.Lock()
	defer s.to.mu.Unlock()
	s.to.lines = append(s.to.lines, line)
}

func (s sink) WithValues(values ...any) logr.LogSink {
	s.values = append(append([]any(nil), s.values...), values...)
	return s
}

func (s sink) WithName(name string) logr.LogSink {
	s.name = strings.TrimPrefix(s.name+"."+name, ".")
	return s
}

// stopped: what the libraries say of calls and of a start that the operator's stop cuts short.
func stopped(message string, err error) bool {
	switch message {
	case "Unexpected error when reading response body", "Unable to write event (may retry after sleeping)":
		return errors.Is(err, context.Canceled)
	case "failed to get informer from cache":
		return apierrors.IsTimeout(err)
	}
	return false
}
