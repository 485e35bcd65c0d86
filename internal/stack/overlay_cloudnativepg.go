package stack

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cmhf/operator/api/v1alpha1"
)

// Annotation and values by which CloudNativePG stops the servers of a Cluster and keeps their volumes.
const (
	AnnotationHibernation = "cnpg.io/hibernation"
	HibernationOn         = "on"
	HibernationOff        = "off"
)

// cloudNativePGEdits lays a tenant's settings over the Cluster.
func cloudNativePGEdits(in Inputs) map[string]edit {
	return map[string]edit{
		"Cluster/database": func(o map[string]any) error {
			fields := map[string]any{
				"instances": in.Database.Instances,
				"imageName": in.Images.Postgres,
				// With one server, a budget would only block the drain of its node.
				"enablePDB": in.Database.Instances > 1,
				// What CloudNativePG makes carries the tenant's labels too, so that it is watched and guarded like the rest.
				"inheritedMetadata": map[string]any{"labels": map[string]any{
					v1alpha1.LabelICS:       in.Name,
					v1alpha1.LabelComponent: v1alpha1.ComponentDatabase,
				}},
			}
			for field, value := range fields {
				if err := set(o, value, "spec", field); err != nil {
					return err
				}
			}
			if err := set(o, in.Database.StorageSize, "spec", "storage", "size"); err != nil {
				return err
			}
			if in.Database.StorageClass != "" {
				if err := set(o, in.Database.StorageClass, "spec", "storage", "storageClass"); err != nil {
					return err
				}
			}
			spec, ok := o["spec"].(map[string]any)
			if !ok {
				return fmt.Errorf("it has no spec")
			}
			if err := setResources(spec, in.Database.Resources); err != nil {
				return err
			}
			for _, name := range slices.Sorted(maps.Keys(in.Database.Parameters)) {
				if err := set(o, in.Database.Parameters[name], "spec", "postgresql", "parameters", name); err != nil {
					return err
				}
			}
			if in.Database.Instances > 1 {
				if err := set(o, synchronous(in.Database.Durability), "spec", "postgresql", "synchronous"); err != nil {
					return err
				}
			}
			if err := managedLogins(in, o); err != nil {
				return err
			}
			if in.Hibernated {
				return set(o, HibernationOn, "metadata", "annotations", AnnotationHibernation)
			}
			return nil
		},
		"NetworkPolicy/database": func(o map[string]any) error {
			return inList(o, func(ingress map[string]any) error {
				return inList(ingress, func(peer map[string]any) error {
					if peer["namespaceSelector"] == nil {
						return nil
					}
					return set(peer, in.CloudNativePG, "namespaceSelector", "matchLabels", "kubernetes.io/metadata.name")
				}, "from")
			}, "spec", "ingress")
		},
		"NetworkPolicy/database-to-api-server": func(o map[string]any) error {
			var ways []any
			for _, at := range in.APIServer {
				var blocks, ports []any
				for _, cidr := range at.CIDRs {
					blocks = append(blocks, map[string]any{"ipBlock": map[string]any{"cidr": cidr}})
				}
				for _, port := range at.Ports {
					ports = append(ports, map[string]any{"protocol": "TCP", "port": port})
				}
				ways = append(ways, map[string]any{"to": blocks, "ports": ports})
			}
			return set(o, ways, "spec", "egress")
		},
	}
}

// synchronous says how many standbys must have a transaction before it is acknowledged: one, whichever is the quickest. Required
// would rather keep writes waiting than acknowledge one that only the primary has, and promotes a standby only when it is sure to
// have all of them; Preferred goes on with the primary alone while there is no standby.
func synchronous(durability string) map[string]any {
	rule := map[string]any{"method": "any", "number": int64(1), "dataDurability": "required"}
	if durability == DurabilityPreferred {
		rule["dataDurability"] = "preferred"
		return rule
	}
	rule["failoverQuorum"] = true
	return rule
}
