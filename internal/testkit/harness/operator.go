package harness

import (
	"context"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/cmhf/operator/controllers"
	"github.com/cmhf/operator/controllers/integratedcaresystem"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/stack"
	"github.com/cmhf/operator/internal/testkit/stubtenants"
)

// Settings are those of an operator in tests.
func Settings() integratedcaresystem.Settings {
	return integratedcaresystem.Settings{
		Release:  "v0.0.0-test",
		Images:   stack.Images{CoordinationAPI: "example/coordination-api:1", Dashboard: "example/dashboard:1", Postgres: "example/postgres:15"},
		Operator: stack.Operator{Namespace: "cmhf-system", ServiceAccount: "cmhf-operator"},

		DefaultEngine: stack.EngineStandalone, CloudNativePG: "cnpg-system",
	}
}

// Operator says how an operator is to be run.
type Operator struct {
	// Connection leads to the API server, as the operator's own ServiceAccount where it is nil.
	Connection *rest.Config
	// API stands where tenants' pods would be.
	API      *stubtenants.API
	Settings integratedcaresystem.Settings
	// Faulty: the connection breaks, so that errors are logged.
	Faulty bool
}

// running counts the operators at work.
type running struct {
	mu sync.Mutex
	n  int
}

func (r *running) add(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n += n
	return r.n
}

// Run runs an operator as cmd/manager wires it until the test ends or stop is called.
func (e *Env) Run(t *testing.T, o Operator) (stop func()) {
	t.Helper()
	scheme, err := controllers.Scheme()
	Must(t, err)
	cacheOptions, err := controllers.Cache()
	Must(t, err)
	if o.Connection == nil {
		o.Connection = e.AsOperator(t)
	}
	// Whose every field is told from the test's by the name of its owner.
	connection := rest.CopyConfig(o.Connection)
	connection.UserAgent = applyset.FieldManager
	skip := true
	manager, err := ctrl.NewManager(connection, ctrl.Options{
		Scheme: scheme, Cache: cacheOptions, Client: controllers.Client(), Metrics: server.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: &skip},
	})
	Must(t, err)
	e.logged.Take()
	Must(t, controllers.Setup(manager, o.Settings, o.API))
	Must(t, e.Oracle.Operates(t.Context(), o.Settings.Inputs))
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	e.running.add(1)
	go func() {
		defer close(stopped)
		if err := manager.Start(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("the manager stopped: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-stopped
		if e.running.add(-1) == 0 {
			mustBeQuiet(t)
		}
		if lines := e.logged.Take(); !o.Faulty && len(lines) > 0 {
			t.Errorf("without a fault the operator logged errors:\n%s", strings.Join(lines, "\n"))
		}
	})
	t.Cleanup(stop)
	return stop
}

// AsOperator is the connection of the operator's own ServiceAccount, which may do what config/rbac allows and no more.
func (e *Env) AsOperator(t *testing.T) *rest.Config {
	t.Helper()
	objects, err := Manifests("rbac")
	Must(t, err)
	objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "cmhf-system"}})
	for _, object := range slices.Backward(objects) { // the namespace first
		Must(t, client.IgnoreAlreadyExists(e.Client.Create(t.Context(), object)))
	}
	config := rest.CopyConfig(e.Config)
	config.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:cmhf-system:cmhf-operator",
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:cmhf-system", "system:authenticated"},
	}
	return config
}

// ours is a line of a goroutine's stack in the operator's own code.
var ours = regexp.MustCompile(`(?m)^(created by )?github\.com/cmhf/operator/(controllers|internal)/`)

// mustBeQuiet: an operator that has stopped leaves no goroutine behind.
func mustBeQuiet(t *testing.T) {
	t.Helper()
	var left []string
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		all := make([]byte, 16<<20)
		all = all[:runtime.Stack(all, true)]
		left = nil
		for _, goroutine := range strings.Split(string(all), "\n\n") {
			if ours.MatchString(goroutine) && !strings.Contains(goroutine, "/internal/testkit/") {
				left = append(left, goroutine)
			}
		}
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("the operator has stopped and left goroutines:\n%s", strings.Join(left, "\n\n"))
}
