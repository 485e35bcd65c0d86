package controllers_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/controllers"
	"github.com/cmhf/operator/controllers/integratedcaresystem"
	"github.com/cmhf/operator/internal/stack"
	"github.com/cmhf/operator/internal/testkit/controlplane"
	"github.com/cmhf/operator/internal/testkit/logcheck"
	"github.com/cmhf/operator/internal/testkit/stubcluster"
	"github.com/cmhf/operator/internal/testkit/stubtenants"
)

// One control plane and one stub of the rest of a cluster serve all tests; every test has an ODS code of its own.
var (
	restConfig *rest.Config
	k8s        client.Client
	cluster    *stubcluster.Cluster
	// logged collects the error lines of all there is in this process.
	logged = &logcheck.Errors{}
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logged.Logger())
	klog.SetLogger(logged.Logger())
	code, err := withControlPlane(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withControlPlane(m *testing.M) (code int, err error) {
	var stop func() error
	if restConfig, stop, err = controlplane.Start(); err != nil {
		return 1, err
	}
	defer func() {
		if stopErr := stop(); err == nil {
			err = stopErr
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	scheme, err := controllers.Scheme()
	if err != nil {
		return 1, err
	}
	if k8s, err = client.New(restConfig, client.Options{Scheme: scheme}); err != nil {
		return 1, err
	}
	if err := enforcePolicies(ctx); err != nil {
		return 1, err
	}
	if cluster, err = stubcluster.Start(ctx, restConfig); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func settings() integratedcaresystem.Settings {
	return integratedcaresystem.Settings{
		Release:  "v0.0.0-test",
		Images:   stack.Images{CoordinationAPI: "example/coordination-api:1", Dashboard: "example/dashboard:1", Postgres: "example/postgres:15"},
		Operator: stack.Operator{Namespace: "cmhf-system", ServiceAccount: "cmhf-operator"},

		DefaultEngine: stack.EngineStandalone, CloudNativePG: "cnpg-system",
	}
}

// operator is a running manager.
type operator struct {
	api  *tenants
	stop func()
}

// startOperator runs the operator as cmd/manager wires it, against the given connection, until the test ends or stop.
func startOperator(t *testing.T, cfg *rest.Config) *operator {
	t.Helper()
	return startOperatorWith(t, cfg, newTenants())
}

// startOperatorWith does so for tenants that may have committed directories already.
func startOperatorWith(t *testing.T, cfg *rest.Config, api *tenants) *operator {
	t.Helper()
	return startRelease(t, cfg, api, settings())
}

// startRelease runs an operator that brings other settings.
func startRelease(t *testing.T, cfg *rest.Config, api *tenants, settings integratedcaresystem.Settings) *operator {
	t.Helper()
	faultless := cfg == restConfig
	if faultless {
		cfg = asOperator(t) // with its rights and no others, within its reach
	}
	scheme, err := controllers.Scheme()
	must(t, err)
	cacheOptions, err := controllers.Cache()
	must(t, err)
	skip := true
	manager, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme: scheme, Cache: cacheOptions, Client: controllers.Client(), Metrics: server.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: &skip},
	})
	must(t, err)
	logged.Take()
	o := &operator{api: api}
	must(t, controllers.Setup(manager, settings, o.api))
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		if err := manager.Start(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("the manager stopped: %v", err)
		}
	}()
	o.stop = sync.OnceFunc(func() {
		cancel()
		<-stopped
		if lines := logged.Take(); faultless && len(lines) > 0 {
			t.Errorf("without a fault the operator logged errors:\n%s", strings.Join(lines, "\n"))
		}
	})
	t.Cleanup(o.stop)
	return o
}

// tenants stands where pods would be.
type tenants struct{ *stubtenants.API }

func newTenants() *tenants { return &tenants{stubtenants.New()} }

func (t *tenants) setDown(down bool) { t.SetDown(down) }

// system is a valid IntegratedCareSystem with two places and three neighbourhoods.
func system(ods string) *v1alpha1.IntegratedCareSystem {
	domain := strings.ToLower(ods) + ".example.org"
	return &v1alpha1.IntegratedCareSystem{
		ObjectMeta: metav1.ObjectMeta{Name: strings.ToLower(ods)},
		Spec: v1alpha1.IntegratedCareSystemSpec{
			ODSCode: ods, DisplayName: "System " + ods, Region: "NorthWest",
			Places:         []v1alpha1.Place{{Name: "East"}, {Name: "West"}},
			Neighbourhoods: []v1alpha1.Neighbourhood{{Name: "Harbour", Place: "East"}, {Name: "Hill", Place: "East"}, {Name: "Meadow", Place: "West"}},
			Stack: v1alpha1.Stack{
				Authentication:  v1alpha1.Authentication{Issuer: "https://idp.example.org"},
				CoordinationAPI: v1alpha1.Program{URL: "https://api." + domain},
				Dashboard:       v1alpha1.Program{URL: "https://dashboard." + domain},
			},
		},
	}
}

// service is a valid CoreCommunityService.
func service(namespace, name, place string, neighbourhoods ...string) *v1alpha1.CoreCommunityService {
	return &v1alpha1.CoreCommunityService{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.CoreCommunityServiceSpec{
			DisplayName: "Service " + name, Place: place, Neighbourhoods: neighbourhoods,
			LeadProvider: v1alpha1.Provider{ODSCode: "RXV", Name: "A provider"},
		},
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		must(t, k8s.Create(t.Context(), object))
	}
}

// eventually waits for something a watch will bring; it polls because a test has no better ear.
func eventually(t *testing.T, check func(g gomega.Gomega)) {
	t.Helper()
	gomega.NewWithT(t).Eventually(check).WithTimeout(30 * time.Second).WithPolling(20 * time.Millisecond).Should(gomega.Succeed())
}

func get(t *testing.T, object client.Object) error {
	t.Helper()
	return k8s.Get(t.Context(), client.ObjectKeyFromObject(object), object)
}

// change edits an object as it is now; the operator writes its status meanwhile.
func change[T client.Object](t *testing.T, object T, edit func(T)) {
	t.Helper()
	must(t, retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if err := get(t, object); err != nil {
			return err
		}
		edit(object)
		return k8s.Update(t.Context(), object)
	}))
}

func waitReady(t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
	t.Helper()
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, ics)).To(gomega.Succeed())
		ready := meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionReady)
		g.Expect(ready).NotTo(gomega.BeNil())
		g.Expect(ready.Status).To(gomega.Equal(metav1.ConditionTrue), ready.Message)
		g.Expect(ics.Status.ObservedGeneration).To(gomega.Equal(ics.Generation))
	})
}

// waitCondition waits until a condition of this generation has the status and reason, and returns it.
func waitCondition(t *testing.T, object interface {
	client.Object
	GetConditions() *[]metav1.Condition
}, kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	t.Helper()
	var found metav1.Condition
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, object)).To(gomega.Succeed())
		condition := meta.FindStatusCondition(*object.GetConditions(), kind)
		g.Expect(condition).NotTo(gomega.BeNil(), "no condition "+kind)
		g.Expect(condition.ObservedGeneration).To(gomega.Equal(object.GetGeneration()))
		g.Expect(string(condition.Status)+" "+condition.Reason).To(gomega.Equal(string(status)+" "+reason), condition.Message)
		found = *condition
	})
	return found
}
