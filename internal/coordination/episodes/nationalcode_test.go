package episodes

import (
	"slices"
	"strings"
	"testing"
)

// Every permitted reason has a national code, and "did not attend" goes out only for a person who could not be reached.
func TestNationalClosureCode(t *testing.T) {
	t.Parallel()
	reasons := strings.FieldsFunc(reasonList, func(r rune) bool { return r == ',' || r == ' ' })
	reasons = slices.DeleteFunc(reasons, func(s string) bool { return s == "or" })
	if len(reasons) != len(nationalClosureCodes) {
		t.Errorf("%d reasons and %d codes", len(reasons), len(nationalClosureCodes))
	}
	for _, reason := range reasons {
		code := NationalClosureCode(reason)
		if len(code) != 2 {
			t.Errorf("%s has the code %q", reason, code)
		}
		if (code == "05") != (reason == reasonNotEngaging) {
			t.Errorf("%s goes out as %s", reason, code)
		}
	}
}
