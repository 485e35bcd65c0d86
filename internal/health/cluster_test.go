package health

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// What a gate and a person need to know of a Cluster, from statuses as CloudNativePG 1.30 writes them.
func TestCluster(t *testing.T) {
	const whole = `
metadata: {annotations: {cnpg.io/hibernation: "off"}}
spec: {instances: 3, imageName: "postgres:15", managed: {roles: [{name: cmhf_app}, {name: cmhf_owner}]}}
status:
  phase: Cluster in healthy state
  readyInstances: 3
  image: postgres:15
  currentPrimary: database-1
  conditions: [{type: Ready, status: "True"}]
  managedRolesStatus: {byStatus: {reconciled: [cmhf_app, cmhf_owner]}}
`
	for name, test := range map[string]struct {
		from, to string
		want     State
	}{
		"whole":              {"", "", State{Ready: true, Message: "every server is ready"}},
		"not looked at":      {"phase: Cluster in healthy state", "phase: \"\"", State{Message: "does its operator run?"}},
		"a standby is away":  {"readyInstances: 3", "readyInstances: 2", State{Message: "2 of 3 servers are ready (primary: database-1)"}},
		"scaled, not seen":   {"instances: 3, ", "instances: 4, ", State{Message: "3 of 4 servers"}},
		"another image":      {"imageName: \"postgres:15\"", "imageName: \"postgres:16\"", State{Message: "another image"}},
		"a login is missing": {"reconciled: [cmhf_app, cmhf_owner]", "reconciled: [cmhf_owner]", State{Message: "the login cmhf_app"}},
		"a login fails":      {"{byStatus:", "{cannotReconcile: {cmhf_app: [no]}, byStatus:", State{Message: "can't bring the logins cmhf_app"}},
		"unrecoverable": {"Cluster in healthy state", "Cluster is unrecoverable and needs manual intervention",
			State{Failed: true, Message: "can't recover it without a person"}},
		"hibernating": {`"off"`, `"on"`, State{Message: "is stopping the servers"}},
	} {
		t.Run(name, func(t *testing.T) {
			object := &unstructured.Unstructured{Object: map[string]any{}}
			raw, err := yaml.YAMLToJSON([]byte("apiVersion: postgresql.cnpg.io/v1\nkind: Cluster" + strings.Replace(whole, test.from, test.to, 1)))
			if err != nil {
				t.Fatal(err)
			}
			if err := object.UnmarshalJSON(raw); err != nil {
				t.Fatal(err)
			}
			got := Of(object)
			if got.Ready != test.want.Ready || got.Failed != test.want.Failed || !strings.Contains(got.Message, test.want.Message) {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}
