package controllers_test

import (
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/controllers/integratedcaresystem"
	"github.com/cmhf/operator/internal/testkit/harness"
	"github.com/cmhf/operator/internal/testkit/stubcluster"
	"github.com/cmhf/operator/internal/testkit/stubtenants"
)

// What the tests of this package share; every test has an ODS code of its own.
var (
	env        *harness.Env
	restConfig *rest.Config
	k8s        client.Client
	cluster    *stubcluster.Cluster
)

func TestMain(m *testing.M) {
	os.Exit(harness.Main(m, func(e *harness.Env) { env, restConfig, k8s, cluster = e, e.Config, e.Client, e.Cluster }))
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
	if cfg == restConfig {
		cfg = asOperator(t) // with its rights and no others, within its reach
	}
	return &operator{api, env.Run(t, harness.Operator{Connection: cfg, API: api.API, Settings: settings})}
}

// tenants stands where pods would be.
type tenants struct{ *stubtenants.API }

func newTenants() *tenants { return &tenants{stubtenants.New()} }

func (t *tenants) setDown(down bool) { t.SetDown(down) }

// The steps of every test, by short names.
var (
	settings   = harness.Settings
	system     = harness.System
	service    = harness.Service
	must       = harness.Must
	eventually = harness.Eventually
)

func create(t *testing.T, objects ...client.Object) {
	t.Helper()
	env.Create(t, objects...)
}

func get(t *testing.T, object client.Object) error {
	t.Helper()
	return env.Get(t, object)
}

func change[T client.Object](t *testing.T, object T, edit func(T)) {
	t.Helper()
	harness.Change(t, env, object, edit)
}

func waitReady(t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
	t.Helper()
	env.WaitReady(t, ics)
}

func waitCondition(t *testing.T, object harness.Conditioned, kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	t.Helper()
	return env.WaitCondition(t, object, kind, status, reason)
}

func secrets(t *testing.T, namespace string) map[string]corev1.Secret {
	t.Helper()
	return env.Secrets(t, namespace)
}
