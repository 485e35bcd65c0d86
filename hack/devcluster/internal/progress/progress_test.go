package progress

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestSteps(t *testing.T) {
	var out strings.Builder
	p := New(&out)
	if err := p.Step("one", func() (string, error) { return "with a note", nil }); err != nil {
		t.Error(err)
	}
	broken := errors.New("broken")
	if err := p.Step("two", func() (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Errorf("error = %v", err)
	}
	want := regexp.MustCompile(`^ +\d+\.\ds  one: with a note\n +\d+\.\ds  two: failed\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("printed %q", out.String())
	}
}
