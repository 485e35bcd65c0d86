package stack

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/cmhf/operator/api/v1alpha1"
)

// exposureEdits lays over under which host names and through what the programs are reached from outside the cluster.
func exposureEdits(in Inputs) (map[string]edit, error) {
	all := map[string]edit{}
	for _, p := range []struct {
		name    string
		program Program
	}{{"coordination-api", in.CoordinationAPI}, {"dashboard", in.Dashboard}} {
		address, err := url.Parse(p.program.URL)
		if err != nil {
			return nil, fmt.Errorf("reading the URL of the %s: %w", p.name, err)
		}
		switch in.Exposure.Type {
		case v1alpha1.ExposureIngress:
			all["Ingress/"+p.name] = ingress(in.Exposure, address, p.program.TLSSecret)
		case v1alpha1.ExposureGateway:
			all["HTTPRoute/"+p.name] = route(in.Exposure.Gateway, address)
		}
	}
	return all, nil
}

// Host is the name as Kubernetes wants it: in lower case, without the port.
func Host(address *url.URL) string { return strings.ToLower(address.Hostname()) }

func ingress(exposure Exposure, address *url.URL, secret string) edit {
	return func(o map[string]any) error {
		if exposure.IngressClass != "" {
			if err := set(o, exposure.IngressClass, "spec", "ingressClassName"); err != nil {
				return err
			}
		}
		if address.Scheme == "https" {
			// Without a Secret it still says that the host is served over TLS.
			tls := map[string]any{"hosts": []any{Host(address)}}
			if secret != "" {
				tls["secretName"] = secret
			}
			if err := set(o, []any{tls}, "spec", "tls"); err != nil {
				return err
			}
		}
		return inList(o, func(rule map[string]any) error { return set(rule, Host(address), "host") }, "spec", "rules")
	}
}

func route(gateway Gateway, address *url.URL) edit {
	return func(o map[string]any) error {
		parent := map[string]any{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway.Name, "namespace": gateway.Namespace}
		if gateway.Section != "" {
			parent["sectionName"] = gateway.Section
		}
		if err := set(o, []any{parent}, "spec", "parentRefs"); err != nil {
			return err
		}
		return set(o, []any{Host(address)}, "spec", "hostnames")
	}
}
