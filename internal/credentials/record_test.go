package credentials

import (
	"slices"
	"testing"
)

// A Secret lost during a rotation: both generations that pods may use are let in until the third is there, and both go afterwards.
func TestAnotherRotationBeforeTheFirstHasEnded(t *testing.T) {
	t.Parallel()
	record := Record{Generation: 2, Phase: Switching}.Again()
	if got := record.logins(); !slices.Equal(got, []int64{3, 1, 2}) || !record.FirstLogins() {
		t.Errorf("while the third is prepared the database lets in %v (the first: %t)", got, record.FirstLogins())
	}
	if read, err := ReadRecord(map[string]string{"cmhf.health/credentials": record.Text()}); err != nil || read != record {
		t.Errorf("read back as %+v (%v)", read, err)
	}
	record.Generation, record.Phase = 3, Switching
	if got := record.logins(); !slices.Equal(got, []int64{1, 2, 3}) || !record.FirstLogins() {
		t.Errorf("while programs roll to the third the database lets in %v (the first: %t)", got, record.FirstLogins())
	}
	record.Phase = Retiring
	want := []string{"database-app", "api-internal", "database-owner", "database-app-2", "api-internal-2", "database-owner-2", "dashboard-session"}
	if got := record.Retired(); !slices.Equal(got, want) || record.FirstLogins() {
		t.Errorf("retired are %v (the first lets in: %t)", got, record.FirstLogins())
	}
	if got := record.logins(); !slices.Equal(got, []int64{3}) {
		t.Errorf("in the end the database lets in %v", got)
	}
	if later := record.Later(); slices.Contains(later, "database-app") || slices.Contains(later, Logins) || !slices.Contains(later, "database-app-2") {
		t.Errorf("of later generations are %v", later)
	}
	for _, name := range want {
		if !slices.Contains(record.Names(), name) {
			t.Errorf("a deletion would not find %s", name)
		}
	}
}
