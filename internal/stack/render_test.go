package stack

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/cmhf/operator/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files anew")

func inputs() Inputs {
	return Inputs{
		Name: "qop", ODSCode: "QOP", DisplayName: "Greater Manchester", Namespace: "ics-qop", Set: "applyset-test-v1", Release: "v0", Synthetic: true,
		Images: Images{CoordinationAPI: "example/coordination-api:1", Dashboard: "example/dashboard:1", Postgres: "example/postgres:15"},
		Issuer: "https://idp.example.org", Audience: "cmhf-qop",
		Database: Database{Engine: EngineStandalone, StorageSize: "20Gi",
			Backup: Backup{Schedule: "15 2 * * *", RetentionDays: 14, StorageSize: "40Gi"}},
		CoordinationAPI: Program{URL: "https://api.qop.example.org", Replicas: 2}, Dashboard: Program{URL: "https://qop.example.org", Replicas: 1},
		DigitalLeads: []Subject{{"Group", "qop-digital-leads"}}, ClusterCIDRs: []string{"10.244.0.0/16", "10.96.0.0/12"},
		Operator: Operator{Namespace: "cmhf-system", ServiceAccount: "cmhf-operator"}, CloudNativePG: "cnpg-system",
		APIServer: []Addresses{{[]string{"10.96.0.1/32"}, []int64{443}}, {[]string{"203.0.113.20/32"}, []int64{6443}}},
	}
}

// withEngine are inputs of each engine by its name.
func withEngine(engine string) Inputs {
	in := inputs()
	switch engine {
	case EngineCloudNativePG:
		in.Database.Engine, in.Database.Instances, in.Database.Durability = engine, 3, "Required"
		in.Database.Parameters = map[string]string{"work_mem": "8MB"}
	case EngineExternal:
		in.Database.Engine = engine
		in.Database.External = External{Host: "db.example.org", Port: 6432, Database: "records", SSLMode: "verify-full",
			Secret: "elsewhere", SecretVersion: "7", Authority: true, CIDRs: []string{"192.0.2.0/24"}}
	}
	return in
}

// The golden files are what a reviewer reads when the base changes.
func TestRenderedStack(t *testing.T) {
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) { renderedStack(t, withEngine(engine), strings.ToLower(engine)+".yaml") })
	}
}

func renderedStack(t *testing.T, in Inputs, file string) {
	objects, err := NewRenderer().Render(in)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, object := range objects {
		raw, err := yaml.Marshal(object.Object)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString("---\n" + string(raw))
	}
	golden := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(golden, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("rendered stack differs from %s (go test ./internal/stack -update writes it anew):\n%s", golden, diff)
	}
}

func TestRenderIsPure(t *testing.T) {
	first, err := NewRenderer().Render(inputs())
	if err != nil {
		t.Fatal(err)
	}
	renderer := NewRenderer()
	for range 3 {
		other := inputs()
		other.Name, other.ODSCode, other.Namespace = "qsl", "QSL", "ics-qsl"
		if _, err := renderer.Render(other); err != nil {
			t.Fatal(err)
		}
		again, err := renderer.Render(inputs())
		if err != nil {
			t.Fatal(err)
		}
		if Hash(first) != Hash(again) {
			t.Fatal("the same inputs gave another stack")
		}
	}
}

// Nothing of one tenant may name another, and every object must be found by its label.
func TestTenantsAreApart(t *testing.T) {
	objects, err := NewRenderer().Render(inputs())
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		if got := object.GetLabels()[v1alpha1.LabelICS]; got != "qop" {
			t.Errorf("%s %s: label %s is %q", object.GetKind(), object.GetName(), v1alpha1.LabelICS, got)
		}
		raw, _ := object.MarshalJSON()
		if strings.Contains(string(raw), `"tenant"`) {
			t.Errorf("%s %s still names the base's namespace", object.GetKind(), object.GetName())
		}
	}
}

// What a change touches: pods roll with their settings, a new image means a new migration, and nothing else moves.
func TestWhatAChangeTouches(t *testing.T) {
	renderer := NewRenderer()
	hashes := func(in Inputs) map[string]string {
		objects, err := renderer.Render(in)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		for _, object := range objects {
			found[object.GetKind()+"/"+object.GetName()] = object.GetAnnotations()[v1alpha1.AnnotationRenderHash]
		}
		return found
	}
	before := hashes(inputs())
	for name, test := range map[string]struct {
		change func(*Inputs)
		want   []string
	}{
		"storage":         {func(in *Inputs) { in.Database.StorageSize = "30Gi" }, []string{"PersistentVolumeClaim/database-data", "ResourceQuota/stack"}},
		"replicas":        {func(in *Inputs) { in.Dashboard.Replicas = 3 }, []string{"Deployment/dashboard", "PodDisruptionBudget/dashboard", "ResourceQuota/stack"}},
		"backup schedule": {func(in *Inputs) { in.Database.Backup.Schedule = "0 * * * *" }, []string{"CronJob/database-backup"}},
		"backup storage":  {func(in *Inputs) { in.Database.Backup.StorageSize = "50Gi" }, []string{"PersistentVolumeClaim/database-backups", "ResourceQuota/stack"}},
		"leads":           {func(in *Inputs) { in.DigitalLeads = nil }, []string{"RoleBinding/cmhf-digital-leads", "ClusterRoleBinding/ics-qop-digital-leads"}},
		"ways out":        {func(in *Inputs) { in.EgressCIDRs = []string{"192.0.2.0/24"} }, []string{"NetworkPolicy/identity-provider"}},
		"issuer": {func(in *Inputs) { in.Issuer = "https://other.example.org:8443" },
			[]string{"ConfigMap/stack-settings", "Deployment/coordination-api", "Deployment/dashboard", "NetworkPolicy/identity-provider"}},
		"read-only":      {func(in *Inputs) { in.ReadOnly = true }, []string{"ConfigMap/stack-settings", "Deployment/coordination-api", "Deployment/dashboard"}},
		"database image": {func(in *Inputs) { in.Images.Postgres = "example/postgres:15.1" }, []string{"CronJob/database-backup", "StatefulSet/database"}},
		"api image":      {func(in *Inputs) { in.Images.CoordinationAPI = "example/coordination-api:2" }, []string{"Deployment/coordination-api", "Job/migration"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := inputs()
			test.change(&in)
			changed := map[string]bool{}
			for object, hash := range hashes(in) {
				if before[object] != hash {
					if strings.HasPrefix(object, "Job/migration-") {
						object = "Job/migration"
					}
					changed[object] = true
				}
			}
			want := map[string]bool{}
			for _, object := range test.want {
				want[object] = true
			}
			if diff := cmp.Diff(want, changed); diff != "" {
				t.Errorf("changed objects (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRenderSaysWhatIsMissing(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Inputs)
		want   string
	}{
		"no image": {func(in *Inputs) { in.Images.Dashboard = "" }, "no dashboard image given"},
		"engine":   {func(in *Inputs) { in.Database.Engine = "Oracle" }, `unknown database engine "Oracle"`},
		"servers":  {func(in *Inputs) { in.Database.Engine = EngineCloudNativePG }, "no number of instances given"},
		"place":    {func(in *Inputs) { in.Database.Engine = EngineExternal }, "no place of the external database given"},
		"issuer":   {func(in *Inputs) { in.Issuer = "https://a b" }, "issuer"},
	} {
		t.Run(name, func(t *testing.T) {
			in := inputs()
			test.change(&in)
			if _, err := NewRenderer().Render(in); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
		})
	}
}

func BenchmarkRenderWarm(b *testing.B) {
	renderer := NewRenderer()
	in := inputs()
	for b.Loop() {
		in.Dashboard.Replicas++ // the same inputs are not rendered again
		if _, err := renderer.Render(in); err != nil {
			b.Fatal(err)
		}
	}
}
