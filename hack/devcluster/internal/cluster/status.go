package cluster

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/cmhf/operator/hack/devcluster/internal/node"
	"github.com/cmhf/operator/hack/devcluster/internal/settings"
)

// Status prints a line for every part and reports whether all are ready.
func Status(ctx context.Context, s settings.Settings, out io.Writer) (bool, error) {
	pid, err := node.Find(s.State)
	if err != nil {
		return false, err
	}
	if pid == 0 {
		fmt.Fprintf(out, "cluster %s is not running\n", s.Name)
		return false, nil
	}
	parts, err := node.ReadParts(s.State)
	if err != nil {
		fmt.Fprintf(out, "cluster %s is starting: process %d, no part has reported yet\n", s.Name, pid)
		return false, nil
	}
	spec, err := node.ReadSpec(s.State)
	if err != nil {
		return false, fmt.Errorf("read the node's settings: %w", err)
	}
	urls := map[string]string{
		"kube-apiserver": spec.Settings.APIServer(),
		"front-door":     fmt.Sprintf("http://<service>.<namespace>.%s:%d", settings.FrontDoorZone, spec.Settings.HTTPPort),
	}
	hostPIDs, all := node.HostPIDs(pid), true
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "PART\tSTATE\tPID\tUP\tRESTARTS\tURL")
	for _, part := range parts {
		all = all && part.State == node.Ready
		up, process := "-", "-"
		if hostPID := hostPIDs[part.PID]; part.PID != 0 && hostPID != 0 {
			up, process = time.Since(part.Since).Round(time.Second).String(), fmt.Sprint(hostPID)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\n", part.Name, part.State, process, up, part.Restarts, urls[part.Name])
	}
	nodeState := node.Ready
	if err := checkNode(ctx, spec.Settings); err != nil {
		nodeState, all = err.Error(), false
	}
	fmt.Fprintf(table, "node %s\t%s\t%d\t\t\t\n", s.Name, nodeState, pid)
	return all, table.Flush()
}
