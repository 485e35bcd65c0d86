// Package settings holds what one development cluster is called, where it lives
// and which addresses it uses.
//
// In: the command line. Out: a checked Settings value and the paths derived
// from it. It touches no file.
package settings

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/cmhf/operator/hack/devcluster/internal/build"
)

// Addresses inside the cluster's own network namespace. They are the same for
// every cluster, because no two share a namespace.
const (
	NodeAddress  = "10.255.0.1"    // the node, its API server and the front door
	ServiceRange = "10.96.0.0/16"  // Services
	APIService   = "10.96.0.1"     // Service kubernetes.default
	DNSService   = "10.96.0.10"    // Service kube-dns.kube-system
	PodRange     = "10.244.0.0/16" // pods
	APIPort      = 6443            // the API server's port inside
	ClusterZone  = "cluster.local"
	// FrontDoorZone holds the names <service>.<namespace>.cmhf.localhost. Hosts
	// resolve names below localhost to themselves (RFC 6761), so they need no set-up.
	FrontDoorZone = "cmhf.localhost"
	// ServicePort is the Service port behind every front door name.
	ServicePort = 8080
)

// PauseImage is the image that holds a pod's namespaces open.
const PauseImage = "localhost/cmhf/pause:1"

// Settings describe one cluster.
type Settings struct {
	Name     string      // also the node's name
	APIPort  int         // loopback port of the API server on the host
	HTTPPort int         // loopback port of the front door on the host
	State    string      // folder of everything the cluster writes
	Cache    build.Cache // folder of built programs
	Repo     string      // root of the repository that holds hack/kube
}

var validName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,38}[a-z0-9]$`)

// Check says what is wrong with the settings, if anything.
func (s Settings) Check() error {
	if !validName.MatchString(s.Name) {
		return fmt.Errorf("--name %q: use 2 to 40 lower case letters, digits and dashes, beginning with a letter", s.Name)
	}
	for flag, port := range map[string]int{"--api-port": s.APIPort, "--http-port": s.HTTPPort} {
		if port < 1 || port > 65535 {
			return fmt.Errorf("%s %d: use a port from 1 to 65535", flag, port)
		}
	}
	if s.APIPort == s.HTTPPort {
		return fmt.Errorf("--api-port and --http-port are both %d: give them different ports", s.APIPort)
	}
	if s.HTTPPort == 53 || s.HTTPPort == APIPort {
		return fmt.Errorf("--http-port %d: this port serves DNS or the API inside the cluster, choose another", s.HTTPPort)
	}
	if !filepath.IsAbs(s.State) {
		return fmt.Errorf("--state %q: give an absolute path", s.State)
	}
	return nil
}

// DefaultState is the state folder of the cluster called name.
func DefaultState(name string) string { return filepath.Join("/var/lib/cmhf-dev", name) }

// Cgroup is the cluster's cgroup, below the root of every hierarchy.
func (s Settings) Cgroup() string { return "cmhf-dev-" + s.Name }

// APIServer is the API server's URL on the host.
func (s Settings) APIServer() string { return "https://127.0.0.1:" + strconv.Itoa(s.APIPort) }

// Path joins elements below the state folder.
func (s Settings) Path(elements ...string) string {
	return filepath.Join(append([]string{s.State}, elements...)...)
}

// Kubeconfig is the administrator's kubeconfig for use on the host.
func (s Settings) Kubeconfig() string { return s.Path("kubeconfig") }

// LogFile is the log of a part.
func (s Settings) LogFile(part string) string { return s.Path("log", part+".log") }
