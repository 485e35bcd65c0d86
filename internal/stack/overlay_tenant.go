package stack

import (
	"strconv"

	"github.com/cmhf/operator/api/v1alpha1"
)

// tenantEdits lays over who the tenant is and who may do what in its namespace.
func tenantEdits(in Inputs) (map[string]edit, error) {
	return map[string]edit{
		"Namespace/tenant": func(o map[string]any) error {
			return set(o, map[string]any{
				v1alpha1.AnnotationODSCode:        in.ODSCode,
				v1alpha1.AnnotationRelease:        in.Release,
				v1alpha1.AnnotationDatabaseEngine: in.Database.Engine,
				v1alpha1.AnnotationData:           map[bool]string{true: string(v1alpha1.DataSynthetic), false: string(v1alpha1.DataLive)}[in.Synthetic],
			}, "metadata", "annotations")
		},
		"ConfigMap/stack-settings": func(o map[string]any) error {
			return set(o, map[string]any{
				"odsCode":      in.ODSCode,
				"icsName":      in.DisplayName,
				"synthetic":    strconv.FormatBool(in.Synthetic),
				"readOnly":     strconv.FormatBool(in.ReadOnly),
				"oidcIssuer":   in.Issuer,
				"oidcAudience": in.Audience,
				"dashboardURL": in.Dashboard.URL,
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
	}, nil
}

func subjects(leads []Subject) []any {
	list := make([]any, 0, len(leads))
	for _, lead := range leads {
		list = append(list, map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": lead.Kind, "name": lead.Name})
	}
	return list
}
