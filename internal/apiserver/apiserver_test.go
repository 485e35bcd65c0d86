package apiserver

import (
	"reflect"
	"testing"
	"time"

	"github.com/cmhf/operator/internal/stack"
)

// An address that is gone counts for a while and no longer; one that comes back in the meantime counts as if it had stayed.
func TestAddressesStayForAWhile(t *testing.T) {
	a, b, c := place{"192.0.2.1/32", 6443}, place{"192.0.2.2/32", 6443}, place{"10.0.0.1/32", 443}
	start := time.Now()
	w := &Watcher{}
	for _, step := range []struct {
		after time.Duration
		found []place
		all   []place
		again time.Duration
	}{
		{0, []place{a, b, c}, []place{a, b, c}, 0},
		{time.Hour, []place{a, c}, []place{a, b, c}, stays},
		{time.Hour + 4*time.Minute, []place{c}, []place{a, b, c}, 6 * time.Minute},
		{time.Hour + 5*time.Minute, []place{b, c}, []place{a, b, c}, 9 * time.Minute},
		{time.Hour + 14*time.Minute, []place{b, c}, []place{b, c}, 0},
		{2 * time.Hour, nil, []place{b, c}, stays},
		{3 * time.Hour, nil, nil, 0},
	} {
		all, again := w.remember(set(step.found), start.Add(step.after))
		if !reflect.DeepEqual(all, set(step.all)) || again != step.again {
			t.Errorf("after %s: %v, to ask again in %s, and not %v in %s", step.after, all, again, step.all, step.again)
		}
	}
}

func TestAddressesAreGrouped(t *testing.T) {
	places := set([]place{{"2001:db8::1/128", 443}, {"192.0.2.2/32", 6443}, {"192.0.2.1/32", 6443}, {"10.0.0.1/32", 443}})
	want := []stack.Addresses{
		{CIDRs: []string{"10.0.0.1/32", "2001:db8::1/128"}, Ports: []int64{443}},
		{CIDRs: []string{"192.0.2.1/32", "192.0.2.2/32"}, Ports: []int64{6443}},
	}
	for range 20 { // whatever the order of the map
		if got := grouped(places); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	if got := grouped(nil); got != nil {
		t.Errorf("no places are %v", got)
	}
}

func set(places []place) map[place]bool {
	all := map[place]bool{}
	for _, p := range places {
		all[p] = true
	}
	return all
}
