//go:build cluster

// Package test runs a whole cluster, as root, with the programs as they are:
// go test -tags=cluster -v ./test. It uses a name and ports of its own, so it
// can run beside a developer's cluster.
package test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const clusterName = "cmhf-selftest"

// harness calls devcluster and kubectl on the test's cluster.
type harness struct {
	program  string
	apiPort  string
	httpPort string
	bin      string // folder of kubectl
	image    string // the probe, by tag and digest
	archive  string
	before   map[string]bool // nodeFolders that the host had at the start
}

// nodeFolders are the usual folders of a node's programs. Those of a cluster lie
// in its state, so the host's come and go with other programs only.
var nodeFolders = []string{"/var/lib/kubelet", "/var/lib/containerd", "/run/containerd", "/var/log/pods", "/usr/libexec/kubernetes"}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("the cluster tests need root")
	}
	h := &harness{
		program:  filepath.Join(t.TempDir(), "devcluster"),
		apiPort:  freePort(t),
		httpPort: freePort(t),
		before:   map[string]bool{},
	}
	for _, path := range nodeFolders {
		h.before[path] = exists(path)
	}
	if output, err := exec.Command("go", "build", "-o", h.program, "..").CombinedOutput(); err != nil {
		t.Fatalf("build devcluster: %v\n%s", err, output)
	}
	h.bin = strings.TrimSpace(h.must(t, "assets"))
	return h
}

// freePort returns a loopback port that nothing uses now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// run calls devcluster and returns its standard output and error together.
func (h *harness) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	args = append([]string{"--name", clusterName, "--api-port", h.apiPort, "--http-port", h.httpPort}, args...)
	cmd := exec.CommandContext(t.Context(), h.program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begin := time.Now()
	err := cmd.Run()
	t.Logf("devcluster %s (%s)\n%s", strings.Join(args[6:], " "), time.Since(begin).Round(time.Millisecond), stderr.String())
	if err != nil {
		return stdout.String() + stderr.String(), err
	}
	return stdout.String(), nil
}

func (h *harness) must(t *testing.T, args ...string) string {
	t.Helper()
	output, err := h.run(t, args...)
	if err != nil {
		t.Fatalf("devcluster %v: %v\n%s", args, err, output)
	}
	return output
}

// kubectl runs kubectl, with input if it is not empty, and returns what it said.
func (h *harness) kubectl(t *testing.T, input string, args ...string) string {
	t.Helper()
	output, err := h.tryKubectl(t, input, args...)
	if err != nil {
		t.Fatalf("kubectl %v: %v\n%s", args, err, output)
	}
	return output
}

func (h *harness) tryKubectl(t *testing.T, input string, args ...string) (string, error) {
	t.Helper()
	kubeconfig := "/var/lib/cmhf-dev/" + clusterName + "/kubeconfig"
	cmd := exec.CommandContext(t.Context(), filepath.Join(h.bin, "kubectl"), append([]string{"--kubeconfig", kubeconfig}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	output, err := cmd.CombinedOutput()
	return string(output), err
}

// waitPod waits until a pod has ended well and returns what it printed.
func (h *harness) waitPod(t *testing.T, name string) string {
	t.Helper()
	if output, err := h.tryKubectl(t, "", "wait", "pod/"+name, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s"); err != nil {
		log, _ := h.tryKubectl(t, "", "logs", name)
		describe, _ := h.tryKubectl(t, "", "describe", "pod", name)
		t.Fatalf("pod %s: %s\n%s\n%s", name, output, log, describe)
	}
	return h.kubectl(t, "", "logs", name)
}

// get fetches a front door name from the host, over IPv4 loopback.
func (h *harness) get(t *testing.T, host, path string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+h.httpPort+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// pod describes a pod that runs the probe as an ordinary user.
func (h *harness) pod(name, labels, volumes string, args ...string) string {
	list, err := json.Marshal(args)
	if err != nil {
		panic(err)
	}
	return strings.NewReplacer("NAME", name, "LABELS", labels, "IMAGE", h.image, "ARGS", string(list), "VOLUMES", volumes).Replace(`
apiVersion: v1
kind: Pod
metadata: {name: NAME, labels: {LABELS}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  securityContext: {runAsUser: 1000, runAsGroup: 1000, fsGroup: 2000, runAsNonRoot: true}
  containers:
  - name: probe
    image: IMAGE
    imagePullPolicy: IfNotPresent
    args: ARGS
    VOLUMES
`)
}
