package corecommunityservice

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/directory"
)

var neighbourhoods = []string{"Harbour", "Hill", "Meadow"}

func ics() *v1alpha1.IntegratedCareSystem {
	made := &v1alpha1.IntegratedCareSystem{ObjectMeta: metav1.ObjectMeta{Name: "qop"}}
	made.Spec.ODSCode, made.Spec.DisplayName = "QOP", "A system"
	made.Spec.Places = []v1alpha1.Place{{Name: "East"}}
	for _, name := range neighbourhoods {
		made.Spec.Neighbourhoods = append(made.Spec.Neighbourhoods, v1alpha1.Neighbourhood{Name: name, Place: "East"})
	}
	return made
}

func declared(name string, functions []v1alpha1.Function, neighbourhoods ...string) v1alpha1.CoreCommunityService {
	made := v1alpha1.CoreCommunityService{ObjectMeta: metav1.ObjectMeta{Name: name}}
	made.Spec.Place, made.Spec.Neighbourhoods, made.Spec.Functions = "East", neighbourhoods, functions
	return made
}

func core(name string, neighbourhoods ...string) v1alpha1.CoreCommunityService {
	return declared(name, []v1alpha1.Function{v1alpha1.FunctionCore}, neighbourhoods...)
}

// show writes a directory as "name: neighbourhoods", with closing services in brackets.
func show(d directory.Directory) string {
	var lines []string
	for _, s := range d.Services {
		line := s.Name + ": " + strings.Join(s.Neighbourhoods, " ")
		if s.State == directory.StateClosing {
			line = "(" + line + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

func TestEvaluate(t *testing.T) {
	for name, test := range map[string]struct {
		before []v1alpha1.CoreCommunityService
		now    []v1alpha1.CoreCommunityService
		want   string
		// refused maps the services that are not accepted to the reason.
		refused map[string]string
	}{
		"the first by name gets what two new ones claim": {
			now:  []v1alpha1.CoreCommunityService{core("b", "Hill"), core("a", "Hill")},
			want: "a: Hill", refused: map[string]string{"b": v1alpha1.ReasonOverlap},
		},
		"the registered one keeps it, whatever the names": {
			before: []v1alpha1.CoreCommunityService{core("b", "Hill")},
			now:    []v1alpha1.CoreCommunityService{core("b", "Hill"), core("a", "Hill")},
			want:   "b: Hill", refused: map[string]string{"a": v1alpha1.ReasonOverlap},
		},
		"other functions may share a neighbourhood": {
			now:  []v1alpha1.CoreCommunityService{core("a", "Hill"), declared("b", []v1alpha1.Function{"OlderAdults"}, "Hill")},
			want: "a: Hill; b: Hill",
		},
		"an invalid edit keeps the last accepted": {
			before: []v1alpha1.CoreCommunityService{core("a", "Hill")},
			now:    []v1alpha1.CoreCommunityService{core("a", "Hill", "Atlantis")},
			want:   "a: Hill", refused: map[string]string{"a": v1alpha1.ReasonUnknownNeighbourhood},
		},
		"what one gives up another takes in the same pass": {
			before: []v1alpha1.CoreCommunityService{core("a", "Hill", "Harbour"), core("b", "Meadow")},
			now:    []v1alpha1.CoreCommunityService{core("a", "Harbour"), core("b", "Meadow", "Hill")},
			want:   "a: Harbour; b: Hill Meadow",
		},
		"two exchange neighbourhoods in one commit": {
			before: []v1alpha1.CoreCommunityService{core("a", "Hill"), core("b", "Meadow")},
			now:    []v1alpha1.CoreCommunityService{core("a", "Meadow"), core("b", "Hill")},
			want:   "a: Meadow; b: Hill",
		},
		"a registered one that grows into another is refused, the other stays": {
			before: []v1alpha1.CoreCommunityService{core("a", "Hill"), core("b", "Meadow")},
			now:    []v1alpha1.CoreCommunityService{core("a", "Hill", "Meadow"), core("b", "Meadow")},
			want:   "a: Hill; b: Meadow", refused: map[string]string{"a": v1alpha1.ReasonOverlap},
		},
		"a service that is no longer declared is closing and holds nothing": {
			before: []v1alpha1.CoreCommunityService{core("a", "Hill")},
			now:    []v1alpha1.CoreCommunityService{core("b", "Hill")},
			want:   "(a: Hill); b: Hill",
		},
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := evaluate(ics(), test.before, directory.Directory{})
			got, verdicts := evaluate(ics(), test.now, before)
			if show(got) != test.want {
				t.Errorf("directory is %q, want %q", show(got), test.want)
			}
			for _, service := range test.now {
				want, refused := test.refused[service.Name]
				if v := verdicts[service.Name]; v.accepted == refused || (refused && v.reason != want) {
					t.Errorf("service %s: %+v, want refused=%t %s", service.Name, v, refused, want)
				}
			}
		})
	}
}

// A closing service may name a neighbourhood that the system has given up: it stays listed for it, and goes when nobody names it.
func TestNeighbourhoodOfAClosingServiceStaysListed(t *testing.T) {
	open, _ := evaluate(ics(), []v1alpha1.CoreCommunityService{core("a", "Hill")}, directory.Directory{})
	smaller := ics()
	smaller.Spec.Neighbourhoods = slices.DeleteFunc(smaller.Spec.Neighbourhoods, func(n v1alpha1.Neighbourhood) bool { return n.Name == "Hill" })
	closing, verdicts := evaluate(smaller, []v1alpha1.CoreCommunityService{core("b", "Harbour")}, open)
	if !verdicts["b"].accepted || show(closing) != "(a: Hill); b: Harbour" {
		t.Errorf("directory is %q, b is %+v", show(closing), verdicts["b"])
	}
	if !slices.Contains(closing.Neighbourhoods, directory.Neighbourhood{Name: "Hill", Place: "East"}) {
		t.Errorf("an entry names Hill, which is not listed: %v", closing.Neighbourhoods)
	}
}

// A closing service that is declared again is the same one: its identifier does not change.
func TestReopened(t *testing.T) {
	open, _ := evaluate(ics(), []v1alpha1.CoreCommunityService{core("a", "Hill")}, directory.Directory{})
	closing, _ := evaluate(ics(), nil, open)
	again, _ := evaluate(ics(), []v1alpha1.CoreCommunityService{core("a", "Hill")}, closing)
	if again.Digest() != open.Digest() {
		t.Errorf("directory is %q, was %q", show(again), show(open))
	}
}

// Whatever is declared, in whatever order: no neighbourhood has two open services for one function, no entry is lost, and
// judging the same declarations again changes nothing.
func TestEvaluateHoldsItsRules(t *testing.T) {
	functions := []v1alpha1.Function{"Core", "OlderAdults"}
	services := rapid.Custom(func(t *rapid.T) []v1alpha1.CoreCommunityService {
		var made []v1alpha1.CoreCommunityService
		for _, name := range []string{"a", "b", "c", "d"} {
			if rapid.Bool().Draw(t, "declared") {
				made = append(made, declared(name,
					rapid.SliceOfNDistinct(rapid.SampledFrom(functions), 1, 2, rapid.ID).Draw(t, "functions"),
					rapid.SliceOfNDistinct(rapid.SampledFrom(append(neighbourhoods, "Atlantis")), 1, 3, rapid.ID).Draw(t, "neighbourhoods")...))
			}
		}
		return made
	})
	rapid.Check(t, func(t *rapid.T) {
		d := directory.Directory{}
		for range rapid.IntRange(1, 5).Draw(t, "edits") {
			now := services.Draw(t, "services")
			next, verdicts := evaluate(ics(), now, d)
			holder := map[string]string{}
			for _, s := range next.Services {
				if s.State == directory.StateClosing {
					continue
				}
				for _, n := range s.Neighbourhoods {
					for _, f := range s.Functions {
						if other := holder[n+f]; other != "" {
							t.Fatalf("%s has %s and %s for %s: %s", n, other, s.Name, f, show(next))
						}
						holder[n+f] = s.Name
					}
				}
			}
			for _, s := range next.Services {
				for _, n := range s.Neighbourhoods {
					if !slices.ContainsFunc(next.Neighbourhoods, func(listed directory.Neighbourhood) bool { return listed.Name == n }) {
						t.Fatalf("%s names %s, which is not listed: %s", s.Name, n, show(next))
					}
				}
			}
			for _, was := range d.Services {
				if entryOf(next, was.Name) == nil {
					t.Fatalf("%s was lost: %s, then %s", was.Name, show(d), show(next))
				}
			}
			reversed := slices.Clone(now)
			slices.Reverse(reversed)
			if other, _ := evaluate(ics(), reversed, d); other.Digest() != next.Digest() {
				t.Fatalf("the order of the list decides: %s or %s", show(next), show(other))
			}
			if again, _ := evaluate(ics(), now, next); again.Digest() != next.Digest() {
				t.Fatalf("not stable: %s, then %s", show(next), show(again))
			}
			for _, s := range now {
				if _, ok := verdicts[s.Name]; !ok {
					t.Fatalf("no verdict for %s", s.Name)
				}
			}
			d = next
		}
	})
}

// What a service declares beyond its reach gets into its entry, in an order that does not depend on how it was written; what it
// doesn't declare leaves the entry as it was before there were such fields.
func TestEntryHoldsWhatIsDeclared(t *testing.T) {
	plain := core("a", "Hill")
	text, err := json.Marshal(entry(ics(), &plain))
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"standards", "teamTypes", "capacity", "partners", "settings", "coordinationLevels"} {
		if strings.Contains(string(text), field) {
			t.Errorf("an entry without %s has it: %s", field, text)
		}
	}
	caseload := int32(200)
	full := core("a", "Hill")
	full.Spec.Standards = []v1alpha1.Standard{{ID: "KeyWorkerDays", Value: 7, Source: "board"}, {ID: "FirstContactDays", Value: 14, Source: "board"}}
	full.Spec.TeamTypes = []string{"A08", "A06"}
	full.Spec.Capacity = &v1alpha1.Capacity{Caseload: &caseload}
	full.Spec.Partners = []v1alpha1.Partner{{Name: "Shelter", Sector: "Housing"}, {Name: "Choir", Sector: "VCSE"}}
	full.Spec.Settings = []v1alpha1.Setting{"SupportedHousing", "CareHome"}
	full.Spec.CoordinationLevels = []string{"One worker", "Coordinated"}
	first := entry(ics(), &full)
	if first.Standards[0].ID != "FirstContactDays" || *first.Capacity.Caseload != 200 || !slices.Equal(first.CoordinationLevels, full.Spec.CoordinationLevels) {
		t.Errorf("entry: %+v", first)
	}
	slices.Reverse(full.Spec.Standards)
	slices.Reverse(full.Spec.TeamTypes)
	slices.Reverse(full.Spec.Partners)
	slices.Reverse(full.Spec.Settings)
	if again := entry(ics(), &full); again.Digest() != first.Digest() {
		t.Errorf("the order of the lists decides: %+v, %+v", first, again)
	}
}

// The default receiving service counts while an open service has the name.
func TestDefaultService(t *testing.T) {
	system := ics()
	system.Spec.DefaultService = "a"
	none, _ := evaluate(system, nil, directory.Directory{})
	open, _ := evaluate(system, []v1alpha1.CoreCommunityService{core("a", "Hill")}, none)
	closing, _ := evaluate(system, nil, open)
	if none.DefaultService != "" || open.DefaultService != "a" || closing.DefaultService != "" {
		t.Errorf("default services: %q before it is declared, %q while it is open, %q when it closes", none.DefaultService, open.DefaultService, closing.DefaultService)
	}
}
