package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/cmhf/operator/internal/testkit/controlplane"
	"github.com/cmhf/operator/internal/testkit/stubcluster"
)

// Secrets that belong to others, as a cluster has them: they must not find their way into the operator's memory.
const (
	foreignSecrets = 5000
	foreignSize    = 20 << 10
)

// memory: S8, on a control plane of its own, with the manager as it is shipped: its process, its options, its memory limit.
func memory(ctx context.Context, systems int, t *table) (err error) {
	config, stop, err := controlplane.Start()
	if err != nil {
		return err
	}
	defer func() {
		if stopErr := stop(); err == nil {
			err = stopErr
		}
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if _, err := stubcluster.Start(ctx, config); err != nil {
		return err
	}
	b, err := newBench(ctx, config, options{}, t)
	if err != nil {
		return err
	}
	if err := b.stop(); err != nil {
		return err
	}
	if err := b.fill(ctx); err != nil {
		return err
	}
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening for the operator's calls of tenants: %w", err)
	}
	server := &http.Server{Handler: b.tenants, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(proxy) }()
	defer server.Close()

	folder, err := os.MkdirTemp("", "cmhf-scale-")
	if err != nil {
		return fmt.Errorf("making a folder for the manager: %w", err)
	}
	defer os.RemoveAll(folder)
	manager, err := startManager(ctx, config, folder, "http://"+proxy.Addr().String())
	if err != nil {
		return err
	}
	declared := b.systems(systems)
	began := time.Now()
	if err := b.declare(ctx, declared); err != nil {
		return manager.failed(err)
	}
	if err := b.ready(ctx, declared); err != nil {
		return manager.failed(err)
	}
	scenario := fmt.Sprintf("S8 real manager, %d ICSs, %d foreign Secrets", systems, foreignSecrets)
	t.add(scenario, "all Ready after", time.Since(began).Seconds(), "s", "")
	reach := ""
	if systems > 36 {
		reach = "< 150 MiB"
	}
	resident, err := manager.memory("VmRSS")
	if err != nil {
		return err
	}
	peak, err := manager.memory("VmHWM")
	if err != nil {
		return err
	}
	t.add(scenario, "RSS", resident, "MiB", reach)
	t.add(scenario, "RSS at most", peak, "MiB", reach)
	file, err := manager.memory("RssFile")
	if err != nil {
		return err
	}
	t.add(scenario, "of RSS, pages of the program's file", file, "MiB", "")
	if err := manager.stop(); err != nil {
		return err
	}
	// A start over all that is there is what a new pod does.
	if manager, err = startManager(ctx, config, folder, "http://"+proxy.Addr().String()); err != nil {
		return err
	}
	if peak, err = manager.calm(ctx); err != nil {
		return err
	}
	t.add(scenario, "RSS at most after a restart", peak, "MiB", reach)
	return manager.stop()
}

// fill makes what is not the operator's business.
func (b *bench) fill(ctx context.Context) error {
	const others = "others"
	if err := b.user.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: others}}); err != nil {
		return fmt.Errorf("making a foreign namespace: %w", err)
	}
	content := make([]byte, foreignSize)
	rand.Read(content) // never fails; see crypto/rand
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i := range foreignSecrets {
		group.Go(func() error {
			return b.user.Create(ctx, &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Namespace: others, Name: "foreign-" + strconv.Itoa(i)}, Data: map[string][]byte{"content": content},
			})
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("making foreign Secrets: %w", err)
	}
	return nil
}

// process is a running manager.
type process struct {
	command *exec.Cmd
	log     *bytes.Buffer
	ended   chan error
}

func startManager(ctx context.Context, config *rest.Config, folder, proxy string) (*process, error) {
	program := filepath.Join(folder, "manager")
	if output, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/manager").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the manager: %w\n%s", err, output)
	}
	kubeconfig := filepath.Join(folder, "kubeconfig")
	access := clientcmdapi.NewConfig()
	access.Clusters["scale"] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	access.AuthInfos["scale"] = &clientcmdapi.AuthInfo{ClientCertificateData: config.CertData, ClientKeyData: config.KeyData}
	access.Contexts["scale"] = &clientcmdapi.Context{Cluster: "scale", AuthInfo: "scale"}
	access.CurrentContext = "scale"
	if err := clientcmd.WriteToFile(*access, kubeconfig); err != nil {
		return nil, fmt.Errorf("writing the manager's kubeconfig: %w", err)
	}
	p := &process{log: &bytes.Buffer{}, ended: make(chan error, 1)}
	p.command = exec.CommandContext(ctx, program, "--namespace=cmhf-system", "--leader-elect=false", "--metrics-bind-address=0", "--health-probe-bind-address=0",
		"--log-level=warn", "--release=v0.0.0-scale", "--coordination-api-image=example/coordination-api:1", "--dashboard-image=example/dashboard:1",
		"--postgres-image=example/postgres:15")
	p.command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "HTTP_PROXY="+proxy, "GOMEMLIMIT="+memoryLimit)
	p.command.Stderr = p.log
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting the manager: %w", err)
	}
	go func() { p.ended <- p.command.Wait() }()
	return p, nil
}

// memoryLimit is what config/manager sets.
const memoryLimit = "90MiB"

func (p *process) failed(err error) error {
	return fmt.Errorf("%w; the manager said:\n%s", err, p.log)
}

// memory reads a figure of the process in MiB.
func (p *process) memory(key string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, p.failed(fmt.Errorf("reading the manager's memory: %w", err))
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, key+":"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("the manager's status has no %s", key)
}

// calm waits until the process uses next to no processor time and returns its highest memory.
func (p *process) calm(ctx context.Context) (float64, error) {
	used := func() (float64, error) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
		if err != nil {
			return 0, p.failed(fmt.Errorf("reading the manager's processor time: %w", err))
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		user, err := strconv.ParseFloat(fields[11], 64)
		return user, err
	}
	last, since := -1.0, time.Now()
	err := until(ctx, "a calm manager", func() (bool, error) {
		now, err := used()
		if now > last+5 { // ticks of ten milliseconds
			last, since = now, time.Now()
		}
		return time.Since(since) > 3*time.Second, err
	})
	if err != nil {
		return 0, err
	}
	return p.memory("VmHWM")
}

func (p *process) stop() error {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return p.failed(fmt.Errorf("stopping the manager: %w", err))
	}
	if err := <-p.ended; err != nil {
		return p.failed(fmt.Errorf("stopping the manager: %w", err))
	}
	return nil
}
