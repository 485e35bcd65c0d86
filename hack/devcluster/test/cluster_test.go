//go:build cluster

package test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cmhf/operator/hack/devcluster/internal/build"
	"github.com/cmhf/operator/hack/devcluster/internal/node"
	"github.com/cmhf/operator/hack/devcluster/internal/ociarchive"
)

const (
	zone     = "cmhf.localhost"
	state    = "/var/lib/cmhf-dev/" + clusterName
	probeTag = "localhost/cmhf-test/probe:1"
)

// The steps build on each other: they are one life of one cluster.
func TestLifeOfACluster(t *testing.T) {
	h := newHarness(t)
	h.must(t, "down")
	t.Cleanup(func() { // the test's context has ended by now
		if output, err := exec.Command(h.program, "--name", clusterName, "down").CombinedOutput(); err != nil {
			t.Errorf("down: %v\n%s", err, output)
		}
	})
	for _, step := range []struct {
		name string
		do   func(*testing.T, *harness)
	}{
		{"up", up},
		{"up again keeps the node", upAgain},
		{"load by tag and digest", load},
		{"one URL inside and outside", oneURL},
		{"front door explains itself", explains},
		{"streams pass at once", streams},
		{"volumes honour fsGroup and survive pods", volumes},
		{"the host's sockets stay with the node", hostSockets},
		{"parts are healed", heals},
		{"killed node comes back with its data", killedNode},
		{"down leaves nothing", downLeavesNothing},
		{"up, kill, down", upKillDown},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.do(t, h) }) {
			t.FailNow()
		}
	}
}

func up(t *testing.T, h *harness) {
	h.must(t, "up")
	h.must(t, "status")
}

func upAgain(t *testing.T, h *harness) {
	before, err := node.Find(state)
	if err != nil {
		t.Fatal(err)
	}
	h.must(t, "up")
	if after, err := node.Find(state); err != nil || after != before {
		t.Errorf("the node was process %d and is %d now: %v", before, after, err)
	}
}

func load(t *testing.T, h *harness) {
	cache, err := build.DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	probe, err := cache.Get(build.Program{Name: "probe", Folder: "probe"})
	if err != nil {
		t.Fatal(err)
	}
	h.archive = filepath.Join(t.TempDir(), "probe.tar")
	file, err := os.Create(h.archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := ociarchive.Write(file, probeTag, probe, "65532:65532"); err != nil {
		t.Fatal(err)
	}
	images, err := ociarchive.Read(h.archive)
	if err != nil {
		t.Fatal(err)
	}
	h.must(t, "load", h.archive)
	h.must(t, "load", h.archive)

	for name, image := range map[string]string{
		"by-tag":            probeTag,
		"by-tag-and-digest": probeTag + "@" + images[0].Digest,
	} {
		h.image = image
		h.kubectl(t, h.pod(name, "", "", "write", "/dev/null", "x"), "apply", "-f", "-")
		h.waitPod(t, name)
	}
}

func oneURL(t *testing.T, h *harness) {
	h.kubectl(t, "", "create", "namespace", "identity")
	h.kubectl(t, h.pod("idp", "app: idp", "", "serve", "the page"), "apply", "-n", "identity", "-f", "-")
	h.kubectl(t, "", "expose", "pod", "idp", "-n", "identity", "--port=8080")
	h.kubectl(t, "", "wait", "pod/idp", "-n", "identity", "--for=condition=Ready", "--timeout=60s")

	host := "idp.identity." + zone + ":" + h.httpPort
	want := fmt.Sprintf("the page host=%s forwarded=%s\n", host, host)
	url := "http://" + host + "/"
	// A pod that is ready is an endpoint as soon as kube-proxy has heard of it.
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if code, _ := h.get(t, host, "/"); code == http.StatusOK {
			break
		}
	}

	h.kubectl(t, h.pod("caller", "", "", "get", url), "apply", "-f", "-")
	if got := h.waitPod(t, "caller"); got != want {
		t.Errorf("in a pod, %s gives %q, want %q", url, got, want)
	}
	// The Service itself, from a pod on the same bridge as its endpoint.
	h.kubectl(t, h.pod("direct-caller", "", "", "get", "http://idp.identity.svc:8080/"), "apply", "-f", "-")
	if got := h.waitPod(t, "direct-caller"); !strings.HasPrefix(got, "the page host=idp.identity.svc:8080") {
		t.Errorf("the Service gives %q", got)
	}
	if got := h.kubectl(t, "", "exec", "-n", "identity", "idp", "--", "/probe", "get", "http://localhost:8080/"); !strings.HasPrefix(got, "the page") {
		t.Errorf("kubectl exec gives %q", got)
	}
	output, err := exec.Command("curl", "--silent", "--show-error", "--fail", url).CombinedOutput()
	if err != nil || string(output) != want {
		t.Errorf("on the host, %s gives %q (%v), want %q", url, output, err, want)
	}
}

func explains(t *testing.T, h *harness) {
	h.kubectl(t, "", "create", "service", "clusterip", "nobody", "--tcp=8080:8080")
	for _, c := range []struct {
		host string
		code int
		says string
	}{
		{"missing.identity." + zone, http.StatusBadGateway, "there is no such Service"},
		{"nobody.default." + zone, http.StatusBadGateway, "no endpoint that is ready"},
		{"localhost:" + h.httpPort, http.StatusNotFound, "<service>.<namespace>." + zone},
		{"a.b.c." + zone, http.StatusNotFound, "<service>.<namespace>." + zone},
	} {
		if code, body := h.get(t, c.host, "/"); code != c.code || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %q, want %d and %q", c.host, code, body, c.code, c.says)
		}
	}
}

func streams(t *testing.T, h *harness) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+h.httpPort+"/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "idp.identity." + zone
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Scan()
	first := time.Now()
	lines.Scan()
	if gap := time.Since(first); gap < 300*time.Millisecond {
		t.Errorf("the pieces came %s apart, they were sent 500ms apart", gap)
	}
}

const claim = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 10Mi}}
`

const mounted = `volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]`

func volumes(t *testing.T, h *harness) {
	h.kubectl(t, claim, "apply", "-f", "-")
	h.kubectl(t, h.pod("writer", "", mounted, "write", "/data/note", "kept"), "apply", "-f", "-")
	h.waitPod(t, "writer")
	h.kubectl(t, "", "delete", "pod", "writer")
	checkKept(t, h, "reader")
}

// checkKept runs a pod that prints the note left in the volume.
func checkKept(t *testing.T, h *harness, pod string) {
	t.Helper()
	h.kubectl(t, h.pod(pod, "", mounted, "hold", "/data/note"), "apply", "-f", "-")
	h.kubectl(t, "", "wait", "pod/"+pod, "--for=condition=Ready", "--timeout=60s")
	if got := h.kubectl(t, "", "logs", pod); got != "holds \"kept\"\n" {
		t.Errorf("the volume %s", got)
	}
	h.kubectl(t, "", "delete", "pod", pod)
}

func heals(t *testing.T, h *harness) {
	for _, part := range []string{"kube-apiserver", "containerd", "front-door"} {
		kill(t, h, part)
	}
	h.must(t, "up")
	h.must(t, "status")
}

// kill ends one part of the node the hard way.
func kill(t *testing.T, h *harness, part string) {
	t.Helper()
	if output, err := exec.Command("kill", "-9", pidOf(t, h, part)).CombinedOutput(); err != nil {
		t.Fatalf("kill %s: %v\n%s", part, err, output)
	}
}

func pidOf(t *testing.T, h *harness, part string) string {
	t.Helper()
	status, _ := h.run(t, "status")
	for line := range strings.Lines(status) {
		if fields := strings.Fields(line); len(fields) > 2 && fields[0] == part {
			return fields[2]
		}
	}
	t.Fatalf("no part %s in\n%s", part, status)
	return ""
}

func killNode(t *testing.T) {
	t.Helper()
	pid, err := node.Find(state)
	if err != nil || pid == 0 {
		t.Fatalf("no node: %v", err)
	}
	if output, err := exec.Command("kill", "-9", strconv.Itoa(pid)).CombinedOutput(); err != nil {
		t.Fatalf("kill the node: %v\n%s", err, output)
	}
	// The kernel takes its time to end a process with a namespace full of others.
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if now, err := node.Find(state); err == nil && now == 0 {
			return
		}
	}
	t.Fatal("the node is still there a minute after kill -9")
}

func killedNode(t *testing.T, h *harness) {
	killNode(t)
	if output, err := h.run(t, "status"); err == nil {
		t.Errorf("status of a killed node is well:\n%s", output)
	}
	h.must(t, "up")
	checkKept(t, h, "reader-after-kill")
	h.kubectl(t, "", "delete", "pvc", "data", "--wait")
	h.kubectl(t, "", "wait", "pv", "--all", "--for=delete", "--timeout=30s")
	if left, _ := os.ReadDir(state + "/var/lib/volumes"); len(left) > 0 {
		t.Errorf("deleted volumes are still on disk: %v", left)
	}
}

func upKillDown(t *testing.T, h *harness) {
	h.must(t, "up")
	killNode(t)
	h.must(t, "down")
}
