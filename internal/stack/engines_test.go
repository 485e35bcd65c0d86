package stack

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cmhf/operator/api/v1alpha1"
)

// one gives one object of the stack.
func one(t *testing.T, in Inputs, kind, name string) *unstructured.Unstructured {
	t.Helper()
	objects, err := NewRenderer().Render(in)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool {
		return o.GetKind() == kind && (o.GetName() == name || strings.HasPrefix(o.GetName(), name+"-") && kind == "Job")
	})
	if i < 0 {
		t.Fatalf("no %s %s was rendered", kind, name)
	}
	return objects[i]
}

// What decides whether an acknowledged change can be lost.
func TestDurabilityOfACluster(t *testing.T) {
	for name, test := range map[string]struct {
		instances  int64
		durability string
		want       any
		budget     bool
	}{
		"three, required": {3, "Required", map[string]any{"method": "any", "number": int64(1), "dataDurability": "required", "failoverQuorum": true}, true},
		"two, preferred":  {2, "Preferred", map[string]any{"method": "any", "number": int64(1), "dataDurability": "preferred"}, true},
		"one":             {1, "Preferred", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			in := withEngine(EngineCloudNativePG)
			in.Database.Instances, in.Database.Durability = test.instances, test.durability
			cluster := one(t, in, "Cluster", "database")
			got, _, _ := unstructured.NestedFieldCopy(cluster.Object, "spec", "postgresql", "synchronous")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("synchronous (-want +got):\n%s", diff)
			}
			if budget, _, _ := unstructured.NestedBool(cluster.Object, "spec", "enablePDB"); budget != test.budget {
				t.Errorf("enablePDB is %t", budget)
			}
		})
	}
}

// A tenant's parameters are laid beside those that keep records out of the log, never over them.
func TestParametersOfACluster(t *testing.T) {
	cluster := one(t, withEngine(EngineCloudNativePG), "Cluster", "database")
	parameters, _, _ := unstructured.NestedStringMap(cluster.Object, "spec", "postgresql", "parameters")
	for name, want := range map[string]string{
		"work_mem": "8MB", "log_statement": "none", "log_min_messages": "log", "log_min_error_statement": "panic", "log_error_verbosity": "terse",
		"log_parameter_max_length": "0", "log_parameter_max_length_on_error": "0",
	} {
		if parameters[name] != want {
			t.Errorf("%s is %q, not %q", name, parameters[name], want)
		}
	}
}

// The quota lets every server run, one more be made, and the programs beside them.
func TestQuotaCountsAClustersServers(t *testing.T) {
	count := func(in Inputs) map[string]string {
		hard, _, _ := unstructured.NestedStringMap(one(t, in, "ResourceQuota", "stack").Object, "spec", "hard")
		return hard
	}
	in := withEngine(EngineCloudNativePG)
	hard := count(in)
	if hard["persistentvolumeclaims"] != "5" || hard["requests.storage"] != "120Gi" {
		t.Errorf("four times 20Gi, and 40Gi for backups: %v", hard)
	}
	external := count(withEngine(EngineExternal))
	if external["persistentvolumeclaims"] != "1" || external["requests.storage"] != "40Gi" {
		t.Errorf("no server here, 40Gi for backups: %v", external)
	}
}

// A hibernated Cluster is told to stop its servers; nothing else about it changes.
func TestHibernatedCluster(t *testing.T) {
	in := withEngine(EngineCloudNativePG)
	awake := one(t, in, "Cluster", "database")
	in.Hibernated = true
	asleep := one(t, in, "Cluster", "database")
	if got := asleep.GetAnnotations()[AnnotationHibernation]; got != HibernationOn {
		t.Errorf("%s is %q", AnnotationHibernation, got)
	}
	if got := awake.GetAnnotations()[AnnotationHibernation]; got != "off" {
		t.Errorf("%s of a running one is %q", AnnotationHibernation, got)
	}
	if diff := cmp.Diff(awake.Object["spec"], asleep.Object["spec"]); diff != "" {
		t.Errorf("the spec changed:\n%s", diff)
	}
}

// Every program that connects checks the server and takes its login from where the engine has it; no other program sees either.
func TestProgramsFindTheDatabase(t *testing.T) {
	for engine, want := range map[string]struct{ user, authority string }{
		EngineStandalone:    {"database-app/username", ""},
		EngineCloudNativePG: {"database-app/username", "database-ca"},
		EngineExternal:      {"elsewhere/appUsername", "elsewhere"},
	} {
		t.Run(engine, func(t *testing.T) {
			in := withEngine(engine)
			for _, program := range []struct{ kind, name, user string }{
				{"Deployment", "coordination-api", want.user},
				{"Job", "migration", strings.Replace(strings.Replace(want.user, "app/", "owner/", 1), "appU", "ownerU", 1)},
			} {
				object := one(t, in, program.kind, program.name)
				containers, _, _ := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
				env := map[string]string{}
				list, _, _ := unstructured.NestedSlice(containers[0].(map[string]any), "env")
				for _, v := range list {
					variable := v.(map[string]any)
					reference, _, _ := unstructured.NestedStringMap(variable, "valueFrom", "secretKeyRef")
					value, _ := variable["value"].(string)
					env[variable["name"].(string)] = value + strings.Trim(reference["name"]+"/"+reference["key"], "/")
				}
				if env["PGUSER"] != program.user {
					t.Errorf("%s logs in as %q, not %q", program.name, env["PGUSER"], program.user)
				}
				volumes, _, _ := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "volumes")
				secret := ""
				for _, v := range volumes {
					if volume := v.(map[string]any); volume["name"] == "database-ca" {
						secret, _, _ = unstructured.NestedString(volume, "secret", "secretName")
						items, _, _ := unstructured.NestedSlice(volume, "secret", "items")
						if len(items) != 1 {
							t.Errorf("%s gets more of Secret %s than the certificate: %v", program.name, secret, items)
						}
					}
				}
				if secret != want.authority || (env["PGSSLROOTCERT"] != "") != (want.authority != "") {
					t.Errorf("%s trusts %q by %q, not %q", program.name, secret, env["PGSSLROOTCERT"], want.authority)
				}
			}
			raw, _ := one(t, in, "Deployment", "dashboard").MarshalJSON()
			if strings.Contains(string(raw), "database-ca") || strings.Contains(string(raw), "elsewhere") {
				t.Error("the dashboard was led to the database")
			}
		})
	}
}

// New credentials of an external database roll the pods; another database needs a migration too.
func TestWhatAChangeOfAnExternalDatabaseTouches(t *testing.T) {
	hashes := func(in Inputs) (api, migration string) {
		return one(t, in, "Deployment", "coordination-api").GetAnnotations()[v1alpha1.AnnotationRenderHash], one(t, in, "Job", "migration").GetName()
	}
	in := withEngine(EngineExternal)
	api, migration := hashes(in)
	in.Database.External.SecretVersion = "8"
	if newAPI, newMigration := hashes(in); newAPI == api || newMigration != migration {
		t.Errorf("new credentials: the API rolled: %t, another migration: %t", newAPI != api, newMigration != migration)
	}
	in.Database.External.Host = "other.example.org"
	if _, newMigration := hashes(in); newMigration == migration {
		t.Error("another server was not migrated")
	}
}
