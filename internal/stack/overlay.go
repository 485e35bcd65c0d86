package stack

import (
	"fmt"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"

	"github.com/cmhf/operator/api/v1alpha1"
)

// overlay is the kustomization of one tenant over the built base.
func overlay(in Inputs) (types.Kustomization, error) {
	patches, err := patches(in)
	if err != nil {
		return types.Kustomization{}, err
	}
	return types.Kustomization{
		TypeMeta:  types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
		Resources: []string{"../base"},
		Namespace: in.Namespace,
		Labels: []types.Label{{
			Pairs: map[string]string{
				v1alpha1.LabelICS:              in.Name,
				"app.kubernetes.io/name":       "cmhf",
				"app.kubernetes.io/part-of":    "cmhf-stack",
				"app.kubernetes.io/managed-by": "cmhf-operator",
			},
			IncludeTemplates: true,
		}},
		Patches: patches,
	}, nil
}

func patches(in Inputs) ([]types.Patch, error) {
	port, err := in.issuerPort()
	if err != nil {
		return nil, err
	}
	storage := map[string]any{"resources": map[string]any{"requests": map[string]any{"storage": in.StorageSize}}}
	if in.StorageClass != "" {
		storage["storageClassName"] = in.StorageClass
	}
	overlays := []struct {
		kind, name string
		patch      map[string]any
	}{
		{"Namespace", "tenant", map[string]any{"metadata": map[string]any{"annotations": map[string]any{
			v1alpha1.AnnotationODSCode:        in.ODSCode,
			v1alpha1.AnnotationRelease:        in.Release,
			v1alpha1.AnnotationDatabaseEngine: in.Engine,
		}}}},
		{"ConfigMap", "stack-settings", map[string]any{"data": map[string]any{
			"odsCode":      in.ODSCode,
			"icsName":      in.DisplayName,
			"synthetic":    fmt.Sprint(in.Synthetic),
			"oidcIssuer":   in.Issuer,
			"oidcAudience": in.Audience,
			"dashboardURL": in.DashboardURL,
		}}},
		{"RoleBinding", "cmhf-operator-secrets", map[string]any{"subjects": []any{map[string]any{
			"kind": "ServiceAccount", "name": in.Operator.ServiceAccount, "namespace": in.Operator.Namespace,
		}}}},
		{"PersistentVolumeClaim", "database-data", map[string]any{"spec": storage}},
		{"StatefulSet", "database", container("postgresql", in.Images.Postgres)},
		{"Job", "migration", container("migrate", in.Images.CoordinationAPI)},
		{"Deployment", "coordination-api", withReplicas(container("coordination-api", in.Images.CoordinationAPI), in.APIReplicas)},
		{"Deployment", "dashboard", withReplicas(container("dashboard", in.Images.Dashboard), in.DashboardReplicas)},
	}
	var patches []types.Patch
	for _, o := range overlays {
		metadata, _ := o.patch["metadata"].(map[string]any)
		if metadata == nil {
			metadata = map[string]any{}
		}
		metadata["name"] = o.name
		o.patch["metadata"] = metadata
		o.patch["kind"] = o.kind
		text, err := yaml.Marshal(o.patch)
		if err != nil {
			return nil, fmt.Errorf("writing the settings of %s %s: %w", o.kind, o.name, err)
		}
		patches = append(patches, types.Patch{Patch: string(text), Target: target(o.kind, o.name)})
	}
	return append(patches,
		types.Patch{Target: target("NetworkPolicy", "coordination-api"), Patch: fmt.Sprintf(
			`[{"op": "replace", "path": "/spec/ingress/1/from/0/namespaceSelector/matchLabels/kubernetes.io~1metadata.name", "value": %q}]`, in.Operator.Namespace)},
		types.Patch{Target: target("NetworkPolicy", "identity-provider"), Patch: fmt.Sprintf(
			`[{"op": "replace", "path": "/spec/egress/0/ports/0/port", "value": %s}]`, port)},
	), nil
}

func target(kind, name string) *types.Selector {
	return &types.Selector{ResId: resid.ResId{Gvk: resid.Gvk{Kind: kind}, Name: "^" + name + "$"}}
}

func container(name, image string) map[string]any {
	return map[string]any{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{
		"containers": []any{map[string]any{"name": name, "image": image}},
	}}}}
}

func withReplicas(patch map[string]any, replicas int64) map[string]any {
	patch["spec"].(map[string]any)["replicas"] = replicas
	return patch
}
