package tracing

import "testing"

func TestSummary(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT id FROM people WHERE id = $1":                    "SELECT people",
		"-- FROM nowhere\nselect 1 from \"x\"":                   "SELECT",
		"INSERT INTO audit_events (id) SELECT 1 FROM unnest($1)": "INSERT audit_events",
		"UPDATE referrals SET state = 'x'":                       "UPDATE referrals",
		"commit":                                                 "COMMIT",
		"":                                                       "statement",
		"9990000018":                                             "statement",
		"SELECT id, ARRAY(SELECT x FROM legal_duties) FROM people": "SELECT people",
		"SELECT '9990000018' FROM people":                          "SELECT people",
	} {
		if got := summary(sql); got != want {
			t.Errorf("%q is summed up as %q, want %q", sql, got, want)
		}
	}
}
