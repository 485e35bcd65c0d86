//go:build e2e

// Package e2e shows on a real cluster what the operator promises: the samples of config/samples, real containers, a real
// identity provider, a real browser. hack/e2e.sh brings up the cluster and runs it; the steps build on each other.
package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/testkit/apiclient"
)

// patience bounds every wait for something that no time is promised for. Several systems, one of them with three database servers,
// share a few cores here, and how soon they are up says nothing about the product; the tests log it.
const patience = 8 * time.Minute

var withPatience = "--timeout=" + patience.String()

// suite is the cluster under test.
type suite struct {
	kubectl, kubeconfig string
	// reader reads resources where a test looks again and again.
	reader client.Reader
	// devcluster is the command that runs something inside the cluster's namespaces.
	devcluster []string
	cluster    apiclient.Cluster
	// logs collects the log lines of every pod, before pods are deleted and at the end.
	logs map[string]bool
	// secret holds what must not stand in any of them, with a name for it.
	secret map[string]string
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	env := func(name string) string {
		value := os.Getenv(name)
		if value == "" {
			t.Fatalf("%s is not set: run this by make e2e", name)
		}
		return value
	}
	port, err := strconv.Atoi(env("E2E_HTTP_PORT"))
	if err != nil {
		t.Fatalf("E2E_HTTP_PORT: %v", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", env("E2E_KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	reader, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return &suite{
		kubectl: env("E2E_KUBECTL"), kubeconfig: env("E2E_KUBECONFIG"), reader: reader, devcluster: strings.Fields(env("E2E_DEVCLUSTER")),
		cluster: apiclient.Cluster{HTTPPort: port}, logs: map[string]bool{}, secret: map[string]string{},
	}
}

// run calls kubectl and gives what it prints; the test ends when it fails.
func (s *suite) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.try(t.Context(), "", args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *suite) try(ctx context.Context, input string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, s.kubectl, append([]string{"--kubeconfig", s.kubeconfig}, args...)...)
	command.Stdin = strings.NewReader(input)
	var problems strings.Builder
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		return string(out), fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, problems.String())
	}
	return string(out), nil
}

// sample gives the objects of a folder of samples with this cluster's port in their URLs.
func (s *suite) sample(t *testing.T, folder string) string {
	t.Helper()
	return strings.ReplaceAll(s.run(t, "kustomize", "../../config/samples/"+folder), "cmhf.localhost:8080", fmt.Sprintf("cmhf.localhost:%d", s.cluster.HTTPPort))
}

func (s *suite) apply(t *testing.T, manifest string) {
	t.Helper()
	if _, err := s.try(t.Context(), manifest, "apply", "--server-side", "-f", "-"); err != nil {
		t.Fatal(err)
	}
}

func (s *suite) waitFor(t *testing.T, kind, condition string) {
	t.Helper()
	if _, err := s.try(t.Context(), "", "wait", "--for=condition="+condition, kind, "--all", "--all-namespaces", withPatience); err != nil {
		state, _ := s.try(t.Context(), "", "get", "ics,ccs,pods", "-A", "-o", "wide")
		t.Fatalf("%v\n%s", err, state)
	}
}

// uid identifies an object, to see whether it was replaced.
func (s *suite) uid(t *testing.T, args ...string) string {
	t.Helper()
	uid := s.run(t, append(append([]string{"get"}, args...), "-o", "jsonpath={.metadata.uid}")...)
	if uid == "" {
		t.Fatalf("no uid of %v", args)
	}
	return uid
}

// eventually tries until it works or patience ends, more and more seldom: a kubectl costs a third of a second of the cores that
// what it waits for needs too.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	var err error
	pause := 200 * time.Millisecond
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(pause) {
		if err = try(); err == nil {
			return
		}
		pause = min(pause*5/4, 1500*time.Millisecond)
	}
	t.Fatalf("%s: %v", what, err)
}

// keep notes something that must never stand in a log.
func (s *suite) keep(name, value string) { s.secret[value] = name }

// keepCredentials notes the passwords, tokens and keys of a tenant; what is shorter than any of them is a name or an address.
func (s *suite) keepCredentials(t *testing.T, namespace string) {
	t.Helper()
	var secrets struct {
		Items []struct {
			Metadata struct{ Name string }
			Data     map[string][]byte
		}
	}
	if err := json.Unmarshal([]byte(s.run(t, "-n", namespace, "get", "secrets", "-o", "json")), &secrets); err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets.Items {
		for key, value := range secret.Data {
			if key != "username" && len(value) >= 24 {
				s.keep(namespace+"/"+secret.Metadata.Name+" "+key, string(value))
			}
		}
	}
}

// collectLogs adds the log lines of all pods of ours.
func (s *suite) collectLogs(t *testing.T) {
	t.Helper()
	for _, namespace := range strings.Fields(s.run(t, "get", "namespaces", "-o", "jsonpath={.items[*].metadata.name}")) {
		if !strings.HasPrefix(namespace, "ics-") && namespace != "cmhf-system" && namespace != "identity" {
			continue
		}
		for _, pod := range strings.Fields(s.run(t, "-n", namespace, "get", "pods", "-o", "jsonpath={.items[*].metadata.name}")) {
			for _, previous := range []string{"--previous=false", "--previous=true"} {
				// A pod that has no previous container, or has just gone, has no log to read.
				text, _ := s.try(t.Context(), "", "-n", namespace, "logs", pod, "--all-containers", "--prefix", previous)
				for line := range strings.Lines(text) {
					s.logs[line] = true
				}
			}
		}
	}
}
