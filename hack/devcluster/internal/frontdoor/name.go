// Package frontdoor leads browsers and programs to the cluster's Services by
// name: http://<service>.<namespace>.cmhf.localhost reaches port 8080 of the
// Service, on the host and inside the cluster alike.
//
// In: listening sockets (the host's loopback and the node's address), the
// cluster's DNS server. Out: proxied HTTP, WebSockets and streams included, and
// for the API server plain forwarded TCP. It keeps the Host header, adds
// X-Forwarded-* and explains in plain text why a name leads nowhere. It ends no
// TLS and checks no access: it is for development.
package frontdoor

import (
	"net"
	"regexp"
	"strings"
)

// Target is a Service named by a front door host.
type Target struct {
	Service   string
	Namespace string
}

// DNS returns the Service's name in the cluster's DNS, with a final dot so that
// no search list applies.
func (t Target) DNS(clusterZone string) string {
	return t.Service + "." + t.Namespace + ".svc." + clusterZone + "."
}

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// ParseHost reads a Host header: <service>.<namespace>.<zone>, with or without a
// port. It reports whether the host has this shape.
func ParseHost(host, zone string) (Target, bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	name, ok := strings.CutSuffix(host, "."+zone)
	if !ok {
		return Target{}, false
	}
	service, namespace, ok := strings.Cut(name, ".")
	if !ok || !label.MatchString(service) || !label.MatchString(namespace) {
		return Target{}, false
	}
	return Target{Service: service, Namespace: namespace}, true
}
