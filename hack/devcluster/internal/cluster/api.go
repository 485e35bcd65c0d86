package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/cmhf/operator/hack/devcluster/internal/node"
	"github.com/cmhf/operator/hack/devcluster/internal/settings"
)

// client speaks to the API server as the administrator, through loopback.
func client(s settings.Settings) (*http.Client, error) {
	cert, err := tls.LoadX509KeyPair(s.Path("pki", "admin.crt"), s.Path("pki", "admin.key"))
	if err != nil {
		return nil, fmt.Errorf("read the administrator's certificate: %w", err)
	}
	ca, err := os.ReadFile(s.Path("pki", "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("read the cluster's authority: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}}},
	}, nil
}

// checkNode returns nil when the API server answers and says the node is ready.
func checkNode(ctx context.Context, s settings.Settings) error {
	api, err := client(s)
	if err != nil {
		return err
	}
	defer api.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.APIServer()+"/api/v1/nodes/"+s.Name, nil)
	if err != nil {
		return err
	}
	response, err := api.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("node %s: the API server answers %s", s.Name, response.Status)
	}
	var object struct {
		Status struct {
			Conditions []struct{ Type, Status, Message string }
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&object); err != nil {
		return fmt.Errorf("read node %s: %w", s.Name, err)
	}
	for _, condition := range object.Status.Conditions {
		if condition.Type == "Ready" {
			if condition.Status == "True" {
				return nil
			}
			return fmt.Errorf("node %s is not ready: %s", s.Name, condition.Message)
		}
	}
	return fmt.Errorf("node %s has not reported yet", s.Name)
}

func nodeReady(ctx context.Context, s settings.Settings) error {
	return poll(ctx, func() error {
		err := checkNode(ctx, s)
		if err != nil {
			return fmt.Errorf("%w\n%s", err, tail(s, "kubelet"))
		}
		return nil
	})
}

// healthy tells whether every part and the node are ready right now.
func healthy(ctx context.Context, s settings.Settings) bool {
	parts, err := node.ReadParts(s.State)
	if err != nil {
		return false
	}
	for _, part := range parts {
		if part.State != node.Ready {
			return false
		}
	}
	return checkNode(ctx, s) == nil
}

// applyObjects applies the objects every cluster has.
func applyObjects(ctx context.Context, s settings.Settings) error {
	spec, err := node.ReadSpec(s.State)
	if err != nil {
		return fmt.Errorf("read the node's settings: %w", err)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(spec.Kube, "kubectl"), "--kubeconfig", s.Kubeconfig(),
		"apply", "--server-side", "--force-conflicts", "--field-manager=devcluster", "-f", s.Path("config", "objects.yaml"))
	cmd.Env = node.Environment()
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apply %s: %w\n%s", s.Path("config", "objects.yaml"), err, bytes.TrimSpace(output))
	}
	return nil
}
