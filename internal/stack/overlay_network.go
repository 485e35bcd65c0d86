package stack

import "strings"

// networkEdits lays over which addresses outside the tenant's namespace its pods talk with.
func networkEdits(in Inputs) (map[string]edit, error) {
	port, err := in.issuerPort()
	if err != nil {
		return nil, err
	}
	return map[string]edit{
		"NetworkPolicy/operator-to-api": func(o map[string]any) error {
			return inList(o, func(from map[string]any) error {
				return inList(from, func(peer map[string]any) error {
					return set(peer, in.Operator.Namespace, "namespaceSelector", "matchLabels", "kubernetes.io/metadata.name")
				}, "from")
			}, "spec", "ingress")
		},
		"NetworkPolicy/identity-provider": func(o map[string]any) error {
			return inList(o, func(egress map[string]any) error {
				if err := set(egress, waysOut(in.EgressCIDRs, in.ClusterCIDRs), "to"); err != nil {
					return err
				}
				return inList(egress, func(to map[string]any) error { return set(to, port, "port") }, "ports")
			}, "spec", "egress")
		},
	}, nil
}

// waysOut are the addresses at which a server outside the cluster may be: those that are given, or every one that is not the cluster's.
func waysOut(given, cluster []string) []any {
	var blocks []any
	for _, cidr := range given {
		blocks = append(blocks, map[string]any{"ipBlock": map[string]any{"cidr": cidr}})
	}
	if len(blocks) > 0 {
		return blocks
	}
	for _, everything := range []string{"0.0.0.0/0", "::/0"} {
		block := map[string]any{"cidr": everything}
		var except []any
		for _, cidr := range cluster {
			if strings.Contains(cidr, ":") == strings.Contains(everything, ":") {
				except = append(except, cidr)
			}
		}
		if len(except) > 0 {
			block["except"] = except
		}
		blocks = append(blocks, map[string]any{"ipBlock": block})
	}
	return blocks
}
