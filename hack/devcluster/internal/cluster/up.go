package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cmhf/operator/hack/devcluster/internal/build"
	"github.com/cmhf/operator/hack/devcluster/internal/debian"
	"github.com/cmhf/operator/hack/devcluster/internal/node"
	"github.com/cmhf/operator/hack/devcluster/internal/progress"
	"github.com/cmhf/operator/hack/devcluster/internal/render"
	"github.com/cmhf/operator/hack/devcluster/internal/settings"
)

// needDisk is the free space, in bytes, that builds, images and data take.
const needDisk = 5 << 30

// Up starts the cluster, or what is missing of it.
func Up(ctx context.Context, s settings.Settings, p *progress.Printer) error {
	if err := checkMachine(); err != nil {
		return err
	}
	unlock, err := lock(s.Name, p)
	if err != nil {
		return err
	}
	defer unlock()
	missing := debian.Missing(debian.NodeNeeds())
	if len(missing) > 0 {
		err := p.Step("install "+strings.Join(missing, ", "), func() (string, error) { return "", debian.Install(missing) })
		if err != nil {
			return err
		}
	}
	spec, err := prepare(s, p)
	if err != nil {
		return err
	}
	files, err := render.Files(s, spec.CNIPlugins)
	if err != nil {
		return err
	}
	spec.Fingerprint = fingerprint(node.Commands(spec), files)
	pid, err := node.Find(s.State)
	if err != nil {
		return err
	}
	if pid != 0 && same(spec) {
		if healthy(ctx, s) {
			p.Say("cluster %s is running (checked in %s)", s.Name, p.Total())
			return nil
		}
		p.Say("cluster %s runs, but not all of it is ready", s.Name)
	} else {
		if pid != 0 {
			p.Say("cluster %s runs with other settings or programs: starting its node again, data is kept", s.Name)
			if err := kill(pid); err != nil {
				return err
			}
		}
		if err := p.Step("start node in its own namespaces", func() (string, error) { return "", start(spec, files) }); err != nil {
			return err
		}
	}
	if err := settle(ctx, s, p); err != nil {
		return err
	}
	p.Say("cluster %s is up after %s", s.Name, p.Total())
	p.Say("  kubectl    export KUBECONFIG=%s", s.Kubeconfig())
	p.Say("             export PATH=%s:$PATH", spec.Kube)
	p.Say("  Services   http://<service>.<namespace>.%s:%d", settings.FrontDoorZone, s.HTTPPort)
	return nil
}

func checkMachine() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("this machine runs %s: the node needs Linux (a virtual machine will do); or point KUBECONFIG at a cluster you have", runtime.GOOS)
	}
	if os.Geteuid() != 0 {
		return errors.New("run as root: the node needs namespaces, mounts and control groups (`devcluster assets` needs none of this)")
	}
	_, err := hierarchies()
	return err
}

// prepare builds the programs and works out what the node is to run.
func prepare(s settings.Settings, p *progress.Printer) (node.Spec, error) {
	spec := node.Spec{Settings: s, Self: s.Path("bin", "devcluster")}
	spec.Settings.Repo = "" // where the sources lie makes no difference to the node
	kube, err := build.Kube(s.Repo)
	if err != nil {
		return spec, err
	}
	if err := enoughDisk(s); err != nil {
		return spec, err
	}
	for _, want := range []struct {
		program build.Program
		label   string
		set     func(path string)
	}{
		{kube, "build Kubernetes and etcd (about 10 minutes the first time)", func(path string) { spec.Kube = filepath.Dir(path) }},
		{build.CoreDNS(s.Repo), "build CoreDNS (about a minute the first time)", func(path string) { spec.CoreDNS = path }},
		{build.Pause(s.Repo), "build pause", func(path string) { spec.Pause = path }},
	} {
		binary, found := s.Cache.Find(want.program)
		if !found {
			err := p.Step(want.label, func() (string, error) {
				var err error
				binary, err = s.Cache.Get(want.program)
				return "", err
			})
			if err != nil {
				return spec, err
			}
		}
		want.set(binary)
	}
	spec.CNIPlugins, err = debian.CNIPlugins()
	return spec, err
}

func enoughDisk(s settings.Settings) error {
	for _, folder := range []string{s.State, string(s.Cache)} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		var stat syscall.Statfs_t
		if err := syscall.Statfs(folder, &stat); err != nil {
			return fmt.Errorf("look at the disk of %s: %w", folder, err)
		}
		if free := int64(stat.Bavail) * stat.Bsize; free < needDisk {
			return fmt.Errorf("%s: %d MB free, %d MB needed: make room, or choose another disk with --state and --cache",
				folder, free>>20, int64(needDisk)>>20)
		}
	}
	return nil
}

// same tells whether the running node was started with this spec.
func same(spec node.Spec) bool {
	running, err := node.ReadSpec(spec.Settings.State)
	return err == nil && running == spec
}

// start writes the configuration and starts the node.
func start(spec node.Spec, files map[string][]byte) error {
	s := spec.Settings
	// A node that was killed may still be ending and hold its sockets.
	left, err := vacated(s.State)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("an earlier node does not end: %s", strings.Join(left, ", "))
	}
	listeners, err := node.Listen(s.APIPort, s.HTTPPort)
	if err != nil {
		return err
	}
	defer listeners.Close()
	if err := render.Write(s, files); err != nil {
		return err
	}
	if err := copySelf(spec.Self); err != nil {
		return err
	}
	if err := node.ForgetParts(s.State); err != nil {
		return err
	}
	if err := removeCgroup(s.Cgroup()); err != nil {
		return err
	}
	if err := makeCgroup(s.Cgroup()); err != nil {
		return err
	}
	_, err = node.Start(spec, listeners)
	return err
}

// settle waits until every part is ready, and adds what the cluster needs on top.
func settle(ctx context.Context, s settings.Settings, p *progress.Printer) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	steps := []struct {
		name string
		do   func() error
	}{
		{"API server answers", func() error { return partsReady(ctx, s, "etcd", "kube-apiserver") }},
		{"containerd has the pause image", func() error {
			if err := partsReady(ctx, s, "containerd"); err != nil {
				return err
			}
			return loadPause(ctx, s)
		}},
		{"access, DNS and storage objects", func() error { return applyObjects(ctx, s) }},
		{"node is ready", func() error { return nodeReady(ctx, s) }},
		{"all parts are ready", func() error { return partsReady(ctx, s) }},
	}
	for _, step := range steps {
		if err := p.Step(step.name, func() (string, error) { return "", step.do() }); err != nil {
			return err
		}
	}
	return nil
}

// partsReady waits until the named parts, or all, are ready.
func partsReady(ctx context.Context, s settings.Settings, names ...string) error {
	return poll(ctx, func() error {
		if pid, err := node.Find(s.State); err != nil || pid == 0 {
			return stop{fmt.Errorf("the node ended\n%s", tail(s, "node"))}
		}
		parts, err := node.ReadParts(s.State)
		if err != nil {
			return errors.New("the supervisor has not reported yet")
		}
		for _, part := range parts {
			if (len(names) == 0 || slices.Contains(names, part.Name)) && part.State != node.Ready {
				return fmt.Errorf("%s is %s (started %d times)\n%s", part.Name, part.State, part.Restarts+1, tail(s, part.Name))
			}
		}
		return nil
	})
}

// stop is an error that waiting cannot mend.
type stop struct{ error }

// poll calls check until it succeeds, stops or the context ends, and returns its
// last error.
func poll(ctx context.Context, check func() error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		var final stop
		if err == nil || errors.As(err, &final) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// tail returns the last lines of a part's log and says where the rest is.
func tail(s settings.Settings, part string) string {
	path := s.LogFile(part)
	content, err := os.ReadFile(path)
	if err != nil {
		return "no log: " + err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return fmt.Sprintf("the last lines of %s:\n  %s", path, strings.Join(lines[max(0, len(lines)-15):], "\n  "))
}
