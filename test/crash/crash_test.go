// Package crash kills the operator right after every one of its writes has arrived, and before some of them have left, starts it
// again, and compares what is there in the end with what is there without a kill. On the way no promise may be broken; package
// harness watches that.
//
// Every point has a system of its own, and all of them are played at the same time, by one operator that dies for each of them apart.
package crash

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
	"github.com/cmhf/operator/internal/testkit/faults"
	"github.com/cmhf/operator/internal/testkit/harness"
	"github.com/cmhf/operator/internal/testkit/stubtenants"
)

var env *harness.Env

func TestMain(m *testing.M) {
	os.Exit(harness.Main(m, func(e *harness.Env) { env = e }))
}

// scenario is something that the operator does, in the midst of which it is killed.
type scenario struct {
	// ods begins the codes of its systems: three letters.
	ods string
	// declare says what the systems are like, where they are not like any other.
	declare func(*v1alpha1.IntegratedCareSystem)
	// new: it begins with the creation of the systems. Otherwise they are Ready before.
	new bool
	// begin asks for it.
	begin func(*testing.T, *v1alpha1.IntegratedCareSystem)
	// over holds when it has come to its end.
	over func(gomega.Gomega, *testing.T, *v1alpha1.IntegratedCareSystem)
	// writes that it takes at least; with fewer the fault is not wired.
	writes int
	// check looks at the end of the one without a kill.
	check func(t *testing.T, end map[string]string)
}

// run plays a scenario without a kill, and then with a kill at each of the writes that this took.
func (s scenario) run(t *testing.T) {
	reference := faults.NewCrash(map[string]faults.Point{strings.ToLower(s.code(0)): {}})
	ends := s.play(t, reference, s.code(0))
	writes, want := reference.Writes(strings.ToLower(s.code(0))), ends[s.code(0)]
	if len(writes) < s.writes {
		t.Fatalf("only %d writes; is the fault wired?\n%v", len(writes), writes)
	}
	if s.check != nil {
		s.check(t, want)
	}
	points, at := map[string]faults.Point{}, map[string]string{}
	var codes []string
	add := func(point faults.Point, mode string) {
		code := s.code(len(codes) + 1)
		codes = append(codes, code)
		points[strings.ToLower(code)] = point
		at[code] = fmt.Sprintf("%s write %d (%s)", mode, point.Write, writes[point.Write-1])
	}
	for k := range writes {
		add(faults.Point{Write: k + 1}, "after")
		// What the API server has after one write it has before the next, except where two are under way at the same time.
		if k%4 == 0 {
			add(faults.Point{Write: k + 1, Before: true}, "before")
		}
	}
	crash := faults.NewCrash(points)
	ends = s.play(t, crash, codes...)
	died := 0
	for _, code := range codes {
		if diff := cmp.Diff(want, ends[code]); diff != "" {
			t.Errorf("killed %s, the system is another in the end (-without +with):\n%s", at[code], diff)
		}
		if crash.Died(strings.ToLower(code)) {
			died++
		}
	}
	// Two runs need not make the same number of writes: a status in between may be skipped.
	if died < len(codes)*3/4 {
		t.Errorf("the operator died at %d of %d points only", died, len(codes))
	}
	t.Logf("killed at %d points", died)
}

// code gives the ODS code of the n-th system.
func (s scenario) code(n int) string {
	return s.ods + strings.ToUpper(strconv.FormatInt(int64(n+36), 36))
}

// play brings the systems of these codes up, plays the scenario on all of them while the operator dies as the fault says, lets another
// operator finish, and gives what is there then, by code.
func (s scenario) play(t *testing.T, crash *faults.Crash, codes ...string) map[string]map[string]string {
	t.Helper()
	api := stubtenants.New()
	systems := map[string]*v1alpha1.IntegratedCareSystem{}
	for _, code := range codes {
		ics := harness.System(code)
		if s.declare != nil {
			s.declare(ics)
		}
		systems[code] = ics
	}
	each := func(step func(*v1alpha1.IntegratedCareSystem)) {
		for _, code := range codes {
			step(systems[code])
		}
	}
	if !s.new {
		stop := env.Run(t, harness.Operator{API: api, Settings: harness.Settings()})
		each(func(ics *v1alpha1.IntegratedCareSystem) { env.Create(t, ics) })
		each(func(ics *v1alpha1.IntegratedCareSystem) {
			eventually(t, func(g gomega.Gomega) { ready(g, t, ics) })
		})
		stop()
	}
	stop := env.Run(t, harness.Operator{Connection: crash.Wrap(env.AsOperator(t)), API: api, Settings: harness.Settings(), Faulty: true})
	each(func(ics *v1alpha1.IntegratedCareSystem) { s.begin(t, ics) })
	each(func(ics *v1alpha1.IntegratedCareSystem) {
		eventually(t, func(g gomega.Gomega) {
			if !crash.Died(ics.Name) {
				s.over(g, t, ics)
			}
		})
	})
	stop()
	stop = env.Run(t, harness.Operator{API: api, Settings: harness.Settings()})
	each(func(ics *v1alpha1.IntegratedCareSystem) {
		eventually(t, func(g gomega.Gomega) { s.over(g, t, ics) })
	})
	stop()
	ends := map[string]map[string]string{}
	for code, ics := range systems {
		ends[code] = end(t, ics)
		forget(t, ics)
	}
	return ends
}

// eventually is patient: many systems come up at the same time.
func eventually(t *testing.T, check func(gomega.Gomega)) {
	t.Helper()
	gomega.NewWithT(t).Eventually(check).WithTimeout(3 * time.Minute).WithPolling(20 * time.Millisecond).Should(gomega.Succeed())
}

// forget takes a resource away without an operator, so that the next one has nothing to do with it.
func forget(t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
	t.Helper()
	if err := env.Get(t, ics); client.IgnoreNotFound(err) == nil && err != nil {
		return
	}
	harness.Change(t, env, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Finalizers = nil })
	env.Remove(t, ics)
}

// end lists what is left of a system, by kind and name, with what tells whether it is as it should be.
func end(t *testing.T, ics *v1alpha1.IntegratedCareSystem) map[string]string {
	t.Helper()
	found := map[string]string{}
	note := func(name, state string) {
		for found[name] != "" {
			name += " and another" // two of what there should be one of
		}
		found[name] = state
	}
	for _, kind := range stack.Kinds {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		harness.Must(t, env.Client.List(t.Context(), list, client.MatchingLabels{v1alpha1.LabelICS: ics.Name}))
		for _, object := range list.Items {
			name := strings.ReplaceAll(object.GetName(), ics.Name, "tenant")
			if object.GetKind() == "Job" {
				name = object.GetLabels()[v1alpha1.LabelComponent] // the rest is a hash of what differs from system to system
			}
			replicas, _, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
			suspended, _, _ := unstructured.NestedBool(object.Object, "spec", "suspend")
			note(object.GetKind()+"/"+name, fmt.Sprintf("replicas: %d, suspended: %t, leaves: %t, owners: %d, %v", replicas, suspended,
				object.GetDeletionTimestamp() != nil, len(object.GetOwnerReferences()), slices.Sorted(maps.Keys(object.GetAnnotations()))))
		}
	}
	for name, secret := range env.Secrets(t, ics.TenantNamespace()) {
		note("Secret/"+name, fmt.Sprintf("%d keys", len(secret.Data)))
	}
	return found
}
