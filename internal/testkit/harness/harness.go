// Package harness runs the operator for tests, against a real API server with a stub of the rest of a cluster and the policies that are in
// force wherever it is installed. It watches, in every test: that no promise of package oracle is broken to any system, that an operator
// without a fault logs no error, and that one that has stopped leaves nothing running.
//
// One control plane serves all tests of a package; each has ODS codes of its own.
package harness

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/controllers"
	"github.com/cmhf/operator/internal/testkit/controlplane"
	"github.com/cmhf/operator/internal/testkit/logcheck"
	"github.com/cmhf/operator/internal/testkit/oracle"
	"github.com/cmhf/operator/internal/testkit/stubcluster"
)

// Env is what the tests of a package share.
type Env struct {
	// Config leads to the API server, as who may do everything.
	Config *rest.Config
	// Client is the test's own: what it deletes is no fault of the operator's.
	Client  client.Client
	Cluster *stubcluster.Cluster
	Oracle  *oracle.Oracle

	// logged collects the error lines of all there is in this process.
	logged  *logcheck.Errors
	running running
	// checked remembers which systems a test looks after at its end.
	checked systems
}

// Main runs the tests of a package in an environment that use is given first, and gives the exit code.
func Main(m *testing.M, use func(*Env)) int {
	code, err := run(m, use)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

func run(m *testing.M, use func(*Env)) (code int, err error) {
	e := &Env{logged: &logcheck.Errors{}}
	ctrl.SetLogger(e.logged.Logger())
	klog.SetLogger(e.logged.Logger())
	config, stop, err := controlplane.Start()
	if err != nil {
		return 1, err
	}
	defer func() {
		if stopErr := stop(); err == nil {
			err = stopErr
		}
	}()
	e.Config = config
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	scheme, err := controllers.Scheme()
	if err != nil {
		return 1, err
	}
	if e.Oracle, err = oracle.Watch(ctx, config, scheme); err != nil {
		return 1, err
	}
	if e.Client, err = e.client(scheme); err != nil {
		return 1, err
	}
	if err := e.enforcePolicies(ctx); err != nil {
		return 1, err
	}
	if e.Cluster, err = stubcluster.Start(ctx, config); err != nil {
		return 1, err
	}
	use(e)
	code = m.Run()
	if broken := e.Oracle.AllBroken(ctx); len(broken) > 0 {
		return 1, fmt.Errorf("promises were broken in these tests:\n%s", strings.Join(broken, "\n"))
	}
	return code, nil
}
