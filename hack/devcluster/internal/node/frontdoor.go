package node

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/cmhf/operator/hack/devcluster/internal/frontdoor"
	"github.com/cmhf/operator/hack/devcluster/internal/settings"
)

// FrontDoor serves the host's sockets, which it was handed, and the same names
// on the node's address inside the cluster.
func FrontDoor(ctx context.Context, state string) error {
	spec, err := ReadSpec(state)
	if err != nil {
		return fmt.Errorf("read the node's settings: %w", err)
	}
	var handed []net.Listener
	for _, file := range handedSockets() {
		listener, err := net.FileListener(file)
		file.Close()
		if err != nil {
			return fmt.Errorf("take over a socket of the host: %w", err)
		}
		handed = append(handed, listener)
	}
	if len(handed) < 2 {
		return fmt.Errorf("%s is started by a node's supervisor: use `devcluster up`", FrontDoorCommand)
	}
	inside, err := net.Listen("tcp", net.JoinHostPort(settings.NodeAddress, strconv.Itoa(spec.Settings.HTTPPort)))
	if err != nil {
		return fmt.Errorf("listen inside the cluster: %w", err)
	}
	return frontdoor.Serve(ctx, frontdoor.Config{
		Zone:        settings.FrontDoorZone,
		ClusterZone: settings.ClusterZone,
		Port:        settings.ServicePort,
		DNS:         net.JoinHostPort(settings.DNSService, "53"),
	}, append(handed[1:], inside), handed[0], net.JoinHostPort(settings.NodeAddress, strconv.Itoa(settings.APIPort)))
}
