package stack

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cmhf/operator/internal/credentials"
)

var secretName = regexp.MustCompile(`"(?:database-(?:owner|app|logins)|api-internal|dashboard-session)(?:-[a-z0-9]+)?"`)

// Every pod gets the Secrets of the generation that the step of a rotation has for it, and the database's the same ones always.
func TestSecretsOfEachStepOfARotation(t *testing.T) {
	for name, test := range map[string]struct {
		record credentials.Record
		want   map[string]string
	}{
		"first generation": {credentials.Record{Generation: 1}, map[string]string{
			"migration": "database-owner", "coordination-api": "api-internal database-app", "dashboard": "dashboard-session"}},
		"preparing the second": {credentials.Record{Generation: 1, Phase: credentials.Preparing}, map[string]string{
			"migration": "database-owner", "coordination-api": "api-internal database-app", "dashboard": "dashboard-session dashboard-session-2",
			"logins": "database-app-2 database-owner database-owner-2"}},
		"switching to the second": {credentials.Record{Generation: 2, Phase: credentials.Switching}, map[string]string{
			"migration": "database-owner-2", "coordination-api": "api-internal-2 database-app-2", "dashboard": "dashboard-session dashboard-session-2"}},
		"retiring the first": {credentials.Record{Generation: 2, Phase: credentials.Retiring}, map[string]string{
			"migration": "database-owner-2", "coordination-api": "api-internal-2 database-app-2", "dashboard": "dashboard-session dashboard-session-2",
			"logins": "database-app-2 database-owner-2"}},
		"tenth generation": {credentials.Record{Generation: 10}, map[string]string{
			"migration": "database-owner-10", "coordination-api": "api-internal-10 database-app-10", "dashboard": "dashboard-session-10 dashboard-session-9"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := inputs()
			in.Credentials = test.record
			objects, err := NewRenderer().Render(in)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, object := range objects {
				spec, _ := object.Object["spec"].(map[string]any)
				template := spec["template"]
				if object.GetKind() == "CronJob" {
					template = spec["jobTemplate"]
				}
				if template == nil {
					continue
				}
				raw, err := json.Marshal(template)
				if err != nil {
					t.Fatal(err)
				}
				var names []string
				for _, quoted := range secretName.FindAllString(string(raw), -1) {
					if name := strings.Trim(quoted, `"`); !slices.Contains(names, name) && name != "database-entry" {
						names = append(names, name)
					}
				}
				slices.Sort(names)
				got[object.GetLabels()["app.kubernetes.io/component"]] = strings.Join(names, " ")
			}
			want := test.want
			want["database"] = "database-logins"
			want["backup"] = want["migration"]
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Secrets by component (-want +got):\n%s", diff)
			}
		})
	}
}

// CloudNativePG brings the current owner to its Secret, whoever made that; it keeps retired logins out and touches none that is being
// replaced; and it goes on finding the Secret that the Cluster was made with by its name.
func TestLoginsThatAClusterLooksAfter(t *testing.T) {
	const kept, out = "kept as it is", "out"
	first := func(owner, app string) map[string]string {
		return map[string]string{"cmhf_owner": owner, "cmhf_app": app}
	}
	with := func(roles map[string]string, more ...string) map[string]string {
		for i := 0; i < len(more); i += 2 {
			roles[more[i]] = more[i+1]
		}
		return roles
	}
	for name, test := range map[string]struct {
		record credentials.Record
		lost   []string
		want   map[string]string
	}{
		"first generation":            {credentials.Record{Generation: 1}, nil, first("database-owner", "database-app")},
		"its app is lost":             {credentials.Record{Generation: 1, Phase: credentials.Preparing}, []string{"database-app"}, first("database-owner", kept)},
		"preparing the second":        {credentials.Record{Generation: 1, Phase: credentials.Preparing}, nil, first("database-owner", "database-app")},
		"switching to the second":     {credentials.Record{Generation: 2, Phase: credentials.Switching}, nil, with(first(kept, kept), "cmhf_owner_2", "database-owner-2")},
		"lost while switching":        {credentials.Record{Generation: 2, Phase: credentials.Preparing, Oldest: 1}, nil, with(first(kept, kept), "cmhf_owner_2", "database-owner-2")},
		"retiring the first":          {credentials.Record{Generation: 2, Phase: credentials.Retiring}, nil, with(first(out, out), "cmhf_owner_2", "database-owner-2")},
		"second generation":           {credentials.Record{Generation: 2}, nil, with(first(out, out), "cmhf_owner_2", "database-owner-2")},
		"preparing the third":         {credentials.Record{Generation: 2, Phase: credentials.Preparing}, nil, with(first(out, out), "cmhf_owner_2", "database-owner-2")},
		"switching to the third":      {credentials.Record{Generation: 3, Phase: credentials.Switching}, nil, with(first(out, out), "cmhf_owner_3", "database-owner-3")},
		"retiring the second":         {credentials.Record{Generation: 3, Phase: credentials.Retiring}, nil, with(first(out, out), "cmhf_owner_2", out, "cmhf_owner_3", "database-owner-3")},
		"third generation":            {credentials.Record{Generation: 3}, nil, with(first(out, out), "cmhf_owner_2", out, "cmhf_owner_3", "database-owner-3")},
		"retiring the second, third":  {credentials.Record{Generation: 4, Phase: credentials.Retiring, Oldest: 2}, nil, with(first(out, out), "cmhf_owner_2", out, "cmhf_owner_3", out, "cmhf_owner_4", "database-owner-4")},
		"fifth generation":            {credentials.Record{Generation: 5}, nil, with(first(out, out), "cmhf_owner_4", out, "cmhf_owner_5", "database-owner-5")},
		"lost while switching to two": {credentials.Record{Generation: 3, Phase: credentials.Switching, Oldest: 1}, nil, with(first(kept, kept), "cmhf_owner_3", "database-owner-3")},
	} {
		t.Run(name, func(t *testing.T) {
			in := withEngine(EngineCloudNativePG)
			in.Credentials, in.LostSecrets = test.record, test.lost
			cluster := one(t, in, "Cluster", "database")
			if secret, _, _ := unstructured.NestedString(cluster.Object, "spec", "bootstrap", "initdb", "secret", "name"); secret != "database-owner" {
				t.Errorf("the Cluster would be made with Secret %s now, which nothing may change", secret)
			}
			roles, _, _ := unstructured.NestedSlice(cluster.Object, "spec", "managed", "roles")
			got := map[string]string{}
			for _, entry := range roles {
				role, _ := entry.(map[string]any)
				name, _ := role["name"].(string)
				secret, _, _ := unstructured.NestedString(role, "passwordSecret", "name")
				switch {
				case role["login"] == false && role["disablePassword"] == true && secret == "":
					got[name] = out
				case role["login"] == true && role["disablePassword"] == nil && secret == "":
					got[name] = kept
				case role["login"] == true && role["disablePassword"] == nil:
					got[name] = secret
				default:
					t.Errorf("role %v", role)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("logins (-want +got):\n%s", diff)
			}
		})
	}
}

// The logins of an external database are its owner's in every generation: no pod asks for one that the operator would have made.
func TestAnExternalDatabaseKeepsItsLogins(t *testing.T) {
	for _, record := range []credentials.Record{
		{Generation: 1}, {Generation: 1, Phase: credentials.Preparing}, {Generation: 2, Phase: credentials.Switching}, {Generation: 2, Phase: credentials.Retiring}, {Generation: 2},
	} {
		in := withEngine(EngineExternal)
		in.Credentials = record
		objects, err := NewRenderer().Render(in)
		if err != nil {
			t.Fatal(err)
		}
		led := 0
		for _, object := range objects {
			raw, err := json.Marshal(object.Object)
			if err != nil {
				t.Fatal(err)
			}
			for _, quoted := range secretName.FindAllString(string(raw), -1) {
				if strings.HasPrefix(quoted, `"database-owner`) || strings.HasPrefix(quoted, `"database-app`) {
					t.Errorf("%+v: %s %s refers to Secret %s", record, object.GetKind(), object.GetName(), quoted)
				}
			}
			led += strings.Count(string(raw), `"`+ExternalOwnerPassword+`"`) + strings.Count(string(raw), `"`+ExternalAppPassword+`"`)
		}
		if led != 3 {
			t.Errorf("%+v: %d programs log in with the external database's Secret, want migration, API and backup", record, led)
		}
	}
}

// A Job that made logins from other Secrets has not made these.
func TestNewSecretsGetANewLoginsJob(t *testing.T) {
	in := inputs()
	in.Credentials = credentials.Record{Generation: 1, Phase: credentials.Preparing}
	names := map[string]bool{}
	for _, logins := range []string{"a b ", "a c ", "d b "} {
		in.NextLogins = logins
		objects, err := NewRenderer().Render(in)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			if object.GetKind() == "Job" && strings.HasPrefix(object.GetName(), "logins-") {
				names[object.GetName()] = true
			}
		}
	}
	if len(names) != 3 {
		t.Errorf("three sets of Secrets have the Jobs %v", names)
	}
}
