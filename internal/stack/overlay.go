package stack

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
)

// edit lays a tenant's settings over one object of the base.
type edit func(object map[string]any) error

// overlay copies the base for one tenant: its namespace, labels, names, sizes and settings. It fails when the base lacks an
// object that has to carry a setting.
func overlay(in Inputs, base []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	edits, err := edits(in)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for _, original := range base {
		object := original.DeepCopy()
		switch {
		case object.GetKind() == "Namespace":
			object.SetName(in.Namespace)
		case ClusterScoped(object.GetKind()):
			object.SetName(in.Namespace + "-" + original.GetName())
		default:
			object.SetNamespace(in.Namespace)
		}
		if err := label(object, in); err != nil {
			return nil, err
		}
		key := original.GetKind() + "/" + original.GetName()
		if edit := edits[key]; edit != nil {
			if err := edit(object.Object); err != nil {
				return nil, fmt.Errorf("laying the settings over %s: %w", key, err)
			}
			delete(edits, key)
		}
		objects = append(objects, object)
	}
	if len(edits) > 0 {
		return nil, fmt.Errorf("the base has no %v to lay settings over", slices.Sorted(maps.Keys(edits)))
	}
	return objects, nil
}

func edits(in Inputs) (map[string]edit, error) {
	port, err := in.issuerPort()
	if err != nil {
		return nil, err
	}
	return map[string]edit{
		"Namespace/tenant": func(o map[string]any) error {
			return set(o, map[string]any{
				v1alpha1.AnnotationODSCode:        in.ODSCode,
				v1alpha1.AnnotationRelease:        in.Release,
				v1alpha1.AnnotationDatabaseEngine: in.Engine,
				v1alpha1.AnnotationData:           map[bool]string{true: string(v1alpha1.DataSynthetic), false: string(v1alpha1.DataLive)}[in.Synthetic],
			}, "metadata", "annotations")
		},
		"ConfigMap/stack-settings": func(o map[string]any) error {
			return set(o, map[string]any{
				"odsCode":      in.ODSCode,
				"icsName":      in.DisplayName,
				"synthetic":    strconv.FormatBool(in.Synthetic),
				"oidcIssuer":   in.Issuer,
				"oidcAudience": in.Audience,
				"dashboardURL": in.DashboardURL,
			}, "data")
		},
		"RoleBinding/cmhf-operator-secrets": func(o map[string]any) error {
			return set(o, []any{map[string]any{"kind": "ServiceAccount", "name": in.Operator.ServiceAccount, "namespace": in.Operator.Namespace}}, "subjects")
		},
		"RoleBinding/cmhf-digital-leads": func(o map[string]any) error { return set(o, subjects(in.DigitalLeads), "subjects") },
		"ClusterRole/digital-leads": func(o map[string]any) error {
			return inList(o, func(rule map[string]any) error { return set(rule, []any{in.Name}, "resourceNames") }, "rules")
		},
		"ClusterRoleBinding/digital-leads": func(o map[string]any) error {
			if err := set(o, in.Namespace+"-digital-leads", "roleRef", "name"); err != nil {
				return err
			}
			return set(o, subjects(in.DigitalLeads), "subjects")
		},
		"PersistentVolumeClaim/database-data": func(o map[string]any) error {
			if in.StorageClass != "" {
				if err := set(o, in.StorageClass, "spec", "storageClassName"); err != nil {
					return err
				}
			}
			return set(o, in.StorageSize, "spec", "resources", "requests", "storage")
		},
		"StatefulSet/database": both(image("postgresql", in.Images.Postgres), func(o map[string]any) error {
			if in.Hibernated {
				return set(o, int64(0), "spec", "replicas")
			}
			return nil
		}),
		"Job/migration": image("migrate", in.Images.CoordinationAPI),
		"Deployment/coordination-api": both(image("coordination-api", in.Images.CoordinationAPI),
			func(o map[string]any) error { return set(o, in.APIReplicas, "spec", "replicas") }),
		"Deployment/dashboard": both(image("dashboard", in.Images.Dashboard),
			func(o map[string]any) error { return set(o, in.DashboardReplicas, "spec", "replicas") }),
		"NetworkPolicy/operator-to-api": func(o map[string]any) error {
			return inList(o, func(from map[string]any) error {
				return inList(from, func(peer map[string]any) error {
					return set(peer, in.Operator.Namespace, "namespaceSelector", "matchLabels", "kubernetes.io/metadata.name")
				}, "from")
			}, "spec", "ingress")
		},
		"NetworkPolicy/identity-provider": func(o map[string]any) error {
			return inList(o, func(egress map[string]any) error {
				if err := set(egress, waysOut(in), "to"); err != nil {
					return err
				}
				return inList(egress, func(to map[string]any) error { return set(to, port, "port") }, "ports")
			}, "spec", "egress")
		},
	}, nil
}

// label marks an object and, where it makes pods, the pods.
func label(object *unstructured.Unstructured, in Inputs) error {
	labels := map[string]string{
		v1alpha1.LabelICS:              in.Name,
		"app.kubernetes.io/name":       "cmhf",
		"app.kubernetes.io/part-of":    "cmhf-stack",
		"app.kubernetes.io/managed-by": "cmhf-operator",
	}
	own := object.GetLabels()
	if own == nil {
		own = map[string]string{}
	}
	maps.Copy(own, labels)
	own[applyset.LabelPartOf] = in.Set
	object.SetLabels(own)
	if _, found, err := unstructured.NestedMap(object.Object, "spec", "template"); err != nil || !found {
		return err
	}
	for key, value := range labels {
		if err := set(object.Object, value, "spec", "template", "metadata", "labels", key); err != nil {
			return err
		}
	}
	return nil
}

// waysOut are the addresses at which the identity provider may be.
func waysOut(in Inputs) []any {
	var blocks []any
	for _, cidr := range in.EgressCIDRs {
		blocks = append(blocks, map[string]any{"ipBlock": map[string]any{"cidr": cidr}})
	}
	if len(blocks) > 0 {
		return blocks
	}
	for _, everything := range []string{"0.0.0.0/0", "::/0"} {
		block := map[string]any{"cidr": everything}
		var except []any
		for _, cidr := range in.ClusterCIDRs {
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

func subjects(leads []Subject) []any {
	list := make([]any, 0, len(leads))
	for _, lead := range leads {
		list = append(list, map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": lead.Kind, "name": lead.Name})
	}
	return list
}

// image sets the image of a named container.
func image(container, image string) edit {
	return func(o map[string]any) error {
		return inList(o, func(c map[string]any) error {
			if c["name"] != container {
				return fmt.Errorf("its container is %v, not %s", c["name"], container)
			}
			return set(c, image, "image")
		}, "spec", "template", "spec", "containers")
	}
}

func both(first, second edit) edit {
	return func(o map[string]any) error {
		if err := first(o); err != nil {
			return err
		}
		return second(o)
	}
}

func set(object map[string]any, value any, path ...string) error {
	return unstructured.SetNestedField(object, value, path...)
}

// inList edits every entry of a list of objects, of which there must be at least one.
func inList(object map[string]any, edit edit, path ...string) error {
	list, _, err := unstructured.NestedSlice(object, path...)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fmt.Errorf("%v is empty", path)
	}
	for _, entry := range list {
		fields, ok := entry.(map[string]any)
		if !ok {
			return fmt.Errorf("%v holds something other than objects", path)
		}
		if err := edit(fields); err != nil {
			return err
		}
	}
	return set(object, list, path...)
}
