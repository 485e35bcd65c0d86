package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"github.com/cmhf/operator/hack/devcluster/internal/node"
	"github.com/cmhf/operator/hack/devcluster/internal/settings"
)

// errNotRunning says how to get a cluster.
var errNotRunning = errors.New("the cluster is not running: start it with `devcluster up`")

// inside prepares a command that runs in the node's namespaces. It sees the
// node's /run, /tmp and /var, the cluster's addresses and DNS, and a kubeconfig
// for use there.
func inside(ctx context.Context, s settings.Settings, command ...string) (*exec.Cmd, error) {
	pid, err := node.Find(s.State)
	if err != nil {
		return nil, err
	}
	if pid == 0 {
		return nil, errNotRunning
	}
	args := append([]string{"--target", strconv.Itoa(pid), "--mount", "--net", "--pid", "--uts", "--ipc", "--"}, command...)
	cmd := exec.CommandContext(ctx, "nsenter", args...)
	cmd.Env = append(node.Environment(), "KUBECONFIG="+s.Path("config", "admin.kubeconfig"))
	return cmd, nil
}

// Exec runs a command in the node's namespaces with the caller's terminal and
// returns its exit code.
func Exec(ctx context.Context, s settings.Settings, command []string) (int, error) {
	if len(command) == 0 {
		return 0, errors.New("exec: give a command, such as `devcluster exec -- ip address`")
	}
	cmd, err := inside(ctx, s, command...)
	if err != nil {
		return 0, err
	}
	spec, err := node.ReadSpec(s.State)
	if err != nil {
		return 0, fmt.Errorf("read the node's settings: %w", err)
	}
	cmd.Env = append(cmd.Env, "PATH="+spec.Kube+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM="+os.Getenv("TERM"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return failed.ExitCode(), nil
	}
	return 0, err
}
