package controllers_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// The schema refuses settings of one engine with another, and parameters that decide more than size.
func TestDatabaseSettingsAreValidated(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*v1alpha1.Database)
		want   string
	}{
		"instances without engine": {func(d *v1alpha1.Database) { d.Instances = new(int32(3)) }, "settings of the engine CloudNativePG"},
		"six instances":            {func(d *v1alpha1.Database) { d.Engine, d.Instances = "CloudNativePG", new(int32(6)) }, "less than or equal to 5"},
		"required with one": {func(d *v1alpha1.Database) {
			d.Engine, d.Instances, d.Durability = "CloudNativePG", new(int32(1)), v1alpha1.DurabilityRequired
		}, "at least two instances"},
		"synchronous_commit": {func(d *v1alpha1.Database) {
			d.Engine, d.Parameters = "CloudNativePG", map[string]v1alpha1.ParameterValue{"synchronous_commit": "off"}
		}, "only parameters that size and plan"},
		"log_statement": {func(d *v1alpha1.Database) {
			d.Engine, d.Parameters = "CloudNativePG", map[string]v1alpha1.ParameterValue{"log_statement": "all"}
		}, "only parameters that size and plan"},
		"a value with a line break": {func(d *v1alpha1.Database) {
			d.Engine, d.Parameters = "CloudNativePG", map[string]v1alpha1.ParameterValue{"work_mem": "8MB\nfsync = off"}
		}, "work_mem"},
		"external without a place": {func(d *v1alpha1.Database) { d.Engine = "External" }, "needs spec.stack.database.external"},
		"a place without external": {func(d *v1alpha1.Database) {
			d.External = &v1alpha1.ExternalDatabase{SecretRef: v1alpha1.SecretReference{Name: "x"}}
		}, "needs spec.stack.database.external"},
		"unknown engine": {func(d *v1alpha1.Database) { d.Engine = "Oracle" }, "Unsupported value"},
	} {
		t.Run(name, func(t *testing.T) {
			ics := system("RA8")
			test.change(&ics.Spec.Stack.Database)
			if err := k8s.Create(t.Context(), ics, client.DryRunAll); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
		})
	}
	for name, allow := range map[string]func(*v1alpha1.Database){
		"two, required": func(d *v1alpha1.Database) {
			d.Engine, d.Instances, d.Durability = "CloudNativePG", new(int32(2)), v1alpha1.DurabilityRequired
		},
		"parameters": func(d *v1alpha1.Database) {
			d.Engine, d.Parameters = "CloudNativePG", map[string]v1alpha1.ParameterValue{"work_mem": "8MB", "checkpoint_timeout": "10min", "random_page_cost": "1.1"}
		},
		"external": func(d *v1alpha1.Database) {
			d.Engine, d.External = "External", &v1alpha1.ExternalDatabase{SecretRef: v1alpha1.SecretReference{Name: "x"}, SSLMode: v1alpha1.SSLModeRequire}
		},
	} {
		ics := system("RA8")
		allow(&ics.Spec.Stack.Database)
		if err := k8s.Create(t.Context(), ics, client.DryRunAll); err != nil {
			t.Errorf("%s is refused: %v", name, err)
		}
	}
}
