package nhsnumber_test

import (
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/coordination/nhsnumber"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"9990000018": "9990000018", "999 000 0018": "9990000018", "999-000-0018": "9990000018", "9000000009": "9000000009",
		"": "", "9990000019": "", "999000001": "", "99900000188": "", "999 000-0018": "", "99 90000018": "", "９９９００００018": "", "999000001x": "",
		"0000000000": "", "000 000 0000": "", "9990000000": "",
	} {
		got, err := nhsnumber.Parse(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Parse(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("9990000018")
	f.Add("999 000 0018")
	f.Fuzz(func(t *testing.T, in string) {
		got, err := nhsnumber.Parse(in)
		if err != nil {
			if in != "" && strings.Contains(err.Error(), in) && len(in) > 9 {
				t.Fatal("the error repeats the input")
			}
			return
		}
		if again, err := nhsnumber.Parse(got); err != nil || again != got || len(got) != 10 {
			t.Fatalf("Parse(%q) = %q, which is not stable", in, got)
		}
		// One wrong digit is always found.
		for i := range got {
			wrong := got[:i] + string('0'+(got[i]-'0'+1)%10) + got[i+1:]
			if _, err := nhsnumber.Parse(wrong); err == nil {
				t.Fatalf("%q and %q are both valid", got, wrong)
			}
		}
	})
}
