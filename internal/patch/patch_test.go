package patch

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: dashboard
  namespace: ics-qop
  labels: {app.kubernetes.io/name: cmhf, cmhf.health/ics: qop}
  annotations: {cmhf.health/x: kept}
spec:
  replicas: 2
  selector: {matchLabels: {app.kubernetes.io/component: dashboard}}
  template:
    metadata:
      labels: {app.kubernetes.io/component: dashboard}
    spec:
      serviceAccountName: dashboard
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true}
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway}
      containers:
      - name: dashboard
        image: example/dashboard:1
        args: [serve]
        env:
        - {name: CMHF_LISTEN, value: ":8080"}
        - name: PGUSER
          valueFrom: {secretKeyRef: {name: database-app, key: username}}
        ports:
        - {name: http, containerPort: 8080, protocol: TCP}
        resources: {requests: {cpu: 10m, memory: 32Mi}, limits: {memory: 128Mi}}
        securityContext: {readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
        volumeMounts:
        - {name: session, mountPath: /etc/cmhf/session, readOnly: true}
      volumes:
      - name: session
        secret: {secretName: dashboard-session}
      - name: tmp
        emptyDir: {}
`

const others = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: dashboard, namespace: ics-qop, labels: {cmhf.health/ics: qop}}
spec:
  rules:
  - host: dashboard.example.org
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: dashboard, port: {name: http}}}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: dashboard, namespace: ics-qop}
spec:
  hostnames: [dashboard.example.org]
  rules:
  - matches: [{path: {type: PathPrefix, value: /}}]
    backendRefs: [{group: "", kind: Service, name: dashboard, port: 8080, weight: 1}]
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: database, namespace: ics-qop}
spec: {instances: 3, imageName: "example/postgres:15", affinity: {enablePodAntiAffinity: true}}
`

func objects(t testing.TB) []*unstructured.Unstructured {
	t.Helper()
	var list []*unstructured.Unstructured
	for _, text := range append([]string{deployment}, strings.Split(others, "---")...) {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
			t.Fatal(err)
		}
		raw, err := object.MarshalJSON() // numbers as the API machinery reads them
		if err != nil {
			t.Fatal(err)
		}
		if err := object.UnmarshalJSON(raw); err != nil {
			t.Fatal(err)
		}
		list = append(list, object)
	}
	return list
}

func TestPatches(t *testing.T) {
	for name, test := range map[string]struct {
		patch Patch
		path  []string
		want  any
	}{
		"strategic merge": {Patch{"Deployment", "dashboard", "spec: {template: {spec: {nodeSelector: {disk: fast}}}}"}, []string{"spec", "template", "spec", "nodeSelector"}, map[string]any{"disk": "fast"}},
		"with its identity": {Patch{"Deployment", "dashboard", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: dashboard, annotations: {example.org/a: b}}"},
			[]string{"metadata", "annotations"}, map[string]any{"cmhf.health/x": "kept", "example.org/a": "b"}},
		"JSON patch": {Patch{"Deployment", "dashboard", `[{"op": "add", "path": "/spec/template/spec/tolerations", "value": [{"key": "a", "operator": "Exists"}]}]`},
			[]string{"spec", "template", "spec", "tolerations"}, []any{map[string]any{"key": "a", "operator": "Exists"}}},
		"JSON patch in YAML": {Patch{"Deployment", "dashboard", "- {op: test, path: /spec/replicas, value: 2}\n- {op: replace, path: /spec/template/spec/topologySpreadConstraints/0/maxSkew, value: 2}"},
			[]string{"spec", "template", "spec", "topologySpreadConstraints"}, []any{map[string]any{"maxSkew": int64(2), "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}}},
		"taken out":          {Patch{"Deployment", "dashboard", "- {op: remove, path: /spec/template/spec/topologySpreadConstraints}"}, []string{"spec", "template", "spec", "topologySpreadConstraints"}, nil},
		"patience":           {Patch{"Deployment", "dashboard", "spec: {progressDeadlineSeconds: 1200}"}, []string{"spec", "progressDeadlineSeconds"}, int64(1200)},
		"nothing":            {Patch{"Deployment", "dashboard", "spec: {replicas: 2}"}, []string{"spec", "replicas"}, int64(2)},
		"ingress annotation": {Patch{"Ingress", "dashboard", "metadata: {annotations: {nginx.ingress.kubernetes.io/proxy-body-size: 1m}}"}, []string{"metadata", "annotations"}, map[string]any{"nginx.ingress.kubernetes.io/proxy-body-size": "1m"}},
		"route timeouts":     {Patch{"HTTPRoute", "dashboard", "- {op: add, path: /spec/rules/0/timeouts, value: {request: 30s}}"}, []string{"spec", "hostnames"}, []any{"dashboard.example.org"}},
		"database placement": {Patch{"Cluster", "database", "spec: {affinity: {topologyKey: topology.kubernetes.io/zone}}"}, []string{"spec", "affinity"}, map[string]any{"enablePodAntiAffinity": true, "topologyKey": "topology.kubernetes.io/zone"}},
	} {
		t.Run(name, func(t *testing.T) {
			list := objects(t)
			if err := Apply(list, []Patch{test.patch}); err != nil {
				t.Fatal(err)
			}
			for _, object := range list {
				if object.GetKind() != test.patch.Kind {
					continue
				}
				got, _, err := unstructured.NestedFieldNoCopy(object.Object, test.path...)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%v (-want +got):\n%s", test.path, diff)
				}
			}
		})
	}
}

// The schema of the resource takes the kinds for which there is a list of what may be changed.
func TestKindsAreThoseOfTheSchema(t *testing.T) {
	raw, err := os.ReadFile("../../config/crd/bases/cmhf.health_integratedcaresystems.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd map[string]any
	if err := yaml.Unmarshal(raw, &crd); err != nil {
		t.Fatal(err)
	}
	versions, _, err := unstructured.NestedSlice(crd, "spec", "versions")
	if err != nil || len(versions) == 0 {
		t.Fatalf("no version (%v)", err)
	}
	path := []string{"schema", "openAPIV3Schema"}
	for _, field := range []string{"spec", "stack", "patches", "items", "target", "kind"} {
		if field != "items" {
			path = append(path, "properties")
		}
		path = append(path, field)
	}
	kinds, _, err := unstructured.NestedStringSlice(versions[0].(map[string]any), append(path, "enum")...)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(kinds)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(allowed)), kinds); diff != "" {
		t.Errorf("kinds (-lists +schema):\n%s", diff)
	}
}

// What a patch must not touch, each by the way that someone might try.
func TestRefusedPatches(t *testing.T) {
	merge := func(spec string) string { return "spec: {template: {spec: " + spec + "}}" }
	container := func(fields string) string {
		return merge("{containers: [{name: dashboard, " + fields + "}]}")
	}
	for name, test := range map[string]struct{ text, path, why string }{
		"image":                  {container("image: evil"), "spec.template.spec.containers[dashboard].image", ""},
		"command":                {container("command: [sh]"), "spec.template.spec.containers[dashboard].command", ""},
		"arguments":              {container("args: [serve, --insecure]"), "spec.template.spec.containers[dashboard].args[1]", ""},
		"a variable":             {container("env: [{name: CMHF_LISTEN, value: x}]"), "spec.template.spec.containers[dashboard].env[CMHF_LISTEN].value", ""},
		"one more variable":      {container("env: [{name: GODEBUG, value: x}]"), "spec.template.spec.containers[dashboard].env[GODEBUG]", ""},
		"Secret as a variable":   {container("env: [{name: OTEL_X, valueFrom: {secretKeyRef: {name: database-owner, key: password}}}]"), "spec.template.spec.containers[dashboard].env[OTEL_X]", ""},
		"rights of a container":  {container("securityContext: {readOnlyRootFilesystem: false}"), "spec.template.spec.containers[dashboard].securityContext.readOnlyRootFilesystem", ""},
		"rights of the pod":      {merge("{securityContext: {runAsNonRoot: null}}"), "spec.template.spec.securityContext.runAsNonRoot", ""},
		"all rights":             {"- {op: remove, path: /spec/template/spec/securityContext}", "spec.template.spec.securityContext.runAsNonRoot", ""},
		"resources":              {container("resources: {limits: {memory: 1Gi}}"), "spec.template.spec.containers[dashboard].resources.limits.memory", ""},
		"probe":                  {container("livenessProbe: {exec: {command: [sh]}}"), "spec.template.spec.containers[dashboard].livenessProbe.exec.command", ""},
		"sidecar":                {merge("{containers: [{name: spy, image: evil}]}"), "spec.template.spec.containers[spy]", ""},
		"sidecar by JSON patch":  {"- {op: add, path: /spec/template/spec/containers/-, value: {name: spy, image: evil}}", "spec.template.spec.containers[spy]", ""},
		"init container":         {merge("{initContainers: [{name: spy, image: evil}]}"), "spec.template.spec.initContainers", ""},
		"no container":           {"- {op: replace, path: /spec/template/spec/containers, value: []}", "spec.template.spec.containers[dashboard]", ""},
		"service account":        {merge("{serviceAccountName: default}"), "spec.template.spec.serviceAccountName", ""},
		"token":                  {merge("{automountServiceAccountToken: true}"), "spec.template.spec.automountServiceAccountToken", ""},
		"host network":           {merge("{hostNetwork: true}"), "spec.template.spec.hostNetwork", ""},
		"host path":              {merge("{volumes: [{name: host, hostPath: {path: /}}]}"), "spec.template.spec.volumes[host]", ""},
		"another Secret":         {merge("{volumes: [{name: session, secret: {secretName: database-owner}}]}"), "spec.template.spec.volumes[session].secret.secretName", ""},
		"empty volume":           {"- {op: remove, path: /spec/template/spec/volumes/1}", "spec.template.spec.volumes[tmp]", ""},
		"number of pods":         {"spec: {replicas: 9}", "spec.replicas", ""},
		"strategy":               {"spec: {strategy: {type: Recreate}}", "spec.strategy.type", ""},
		"selector":               {"spec: {selector: {matchLabels: {a: b}}}", "spec.selector.matchLabels.a", ""},
		"nothing as something":   {"- {op: add, path: /spec/template/spec/hostUsers, value: {}}", "spec.template.spec.hostUsers", ""},
		"null as something":      {"- {op: add, path: /spec/paused, value: null}", "spec.paused", ""},
		"label of the operator":  {"metadata: {labels: {cmhf.health/ics: qsl}}", "metadata.labels.cmhf.health/ics", ""},
		"label of Kubernetes":    {"metadata: {labels: {app.kubernetes.io/name: null}}", "metadata.labels.app.kubernetes.io/name", ""},
		"label of the pods":      {"spec: {template: {metadata: {labels: {app.kubernetes.io/component: database}}}}", "spec.template.metadata.labels.app.kubernetes.io/component", ""},
		"network of the pods":    {"spec: {template: {metadata: {annotations: {k8s.v1.cni.cncf.io/networks: other}}}}", "spec.template.metadata.annotations.k8s.v1.cni.cncf.io/networks", ""},
		"all annotations":        {"- {op: remove, path: /metadata/annotations}", "metadata.annotations.cmhf.health/x", ""},
		"namespace":              {"- {op: replace, path: /metadata/namespace, value: kube-system}", "metadata.namespace", ""},
		"owner":                  {"metadata: {ownerReferences: [{apiVersion: v1, kind: Pod, name: x, uid: y}]}", "metadata.ownerReferences", ""},
		"finalizer":              {"metadata: {finalizers: [example.org/x]}", "metadata.finalizers", ""},
		"deletion":               {"$patch: delete", "", "leaves 0 objects of one"},
		"no YAML":                {"{", "", "no YAML"},
		"nothing at all":         {"", "", "no YAML"},
		"two documents":          {"spec: {}\n---\nspec: {}", "", "one YAML document"},
		"a word":                 {"dashboard", "", "neither an object"},
		"metadata a word":        {"metadata: x", "", "metadata of the patch is no object"},
		"aliases":                {"a: &a [x]\nb: *a", "", "anchors and aliases"},
		"depth":                  {strings.Repeat("[", 60) + strings.Repeat("]", 60), "", "nested more than 40 deep"},
		"key that is no text":    {"1: x", "", ""},
		"copy":                   {"- {op: copy, from: /spec, path: /metadata/annotations/x}", "", "must be add, remove, replace or test"},
		"unknown operation":      {"- {op: insert, path: /spec}", "", "must be add, remove, replace or test"},
		"missing path":           {"- {op: remove, path: /spec/nothing}", "", "can't be applied"},
		"failed test":            {"- {op: test, path: /spec/replicas, value: 7}", "", "can't be applied"},
		"field of a wrong shape": {"spec: {template: x}", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			fine := Patch{"Deployment", "dashboard", "metadata: {labels: {team: a}}"}
			err := Apply(objects(t), []Patch{fine, {"Deployment", "dashboard", test.text}})
			var refused *RefusedError
			if !errors.As(err, &refused) {
				t.Fatalf("accepted, error %v", err)
			}
			if refused.Index != 1 || (test.path != "" && refused.Path != test.path) || !strings.Contains(refused.Why, test.why) {
				t.Errorf("refused %q, want path %q because %q", refused, test.path, test.why)
			}
			if !strings.HasPrefix(refused.Error(), "patches[1] (Deployment dashboard)") {
				t.Errorf("the error is %q", refused)
			}
		})
	}
	for name, p := range map[string]Patch{
		"another host of the Ingress": {"Ingress", "dashboard", "- {op: replace, path: /spec/rules/0/host, value: evil.example.org}"},
		"a host that is another's":    {"Ingress", "dashboard", "metadata: {annotations: {nginx.ingress.kubernetes.io/server-alias: other.example.org}}"},
		"copy of the requests":        {"Ingress", "dashboard", "metadata: {annotations: {nginx.ingress.kubernetes.io/mirror-target: 'https://evil.example.org'}}"},
		"lines of a configuration":    {"Ingress", "dashboard", "metadata: {annotations: {nginx.ingress.kubernetes.io/configuration-snippet: x}}"},
		"the same of another domain":  {"Ingress", "dashboard", "metadata: {annotations: {ingress.kubernetes.io/server-alias: other.example.org}}"},
		"another controller's":        {"Ingress", "dashboard", "metadata: {annotations: {haproxy.org/backend-config-snippet: x}}"},
		"its domain within another":   {"Ingress", "dashboard", "metadata: {annotations: {router.traefik.io/router.middlewares: x}}"},
		"internal port":               {"Ingress", "dashboard", "- {op: replace, path: /spec/rules/0/http/paths/0/backend/service/port, value: {number: 8081}}"},
		"mirror of the requests":      {"HTTPRoute", "dashboard", "- {op: add, path: /spec/rules/0/filters, value: [{type: RequestMirror, requestMirror: {backendRef: {name: evil}}}]}"},
		"another rule":                {"HTTPRoute", "dashboard", "- {op: add, path: /spec/rules/-, value: {timeouts: {}}}"},
		"fewer copies of the data":    {"Cluster", "database", "spec: {instances: 1}"},
		"image of the database":       {"Cluster", "database", "spec: {imageName: evil}"},
		"what is not there":           {"Deployment", "other", "metadata: {labels: {a: b}}"},
		"a kind without patches":      {"NetworkPolicy", "default-deny", "metadata: {labels: {a: b}}"},
	} {
		t.Run(name, func(t *testing.T) {
			var refused *RefusedError
			if err := Apply(objects(t), []Patch{p}); !errors.As(err, &refused) {
				t.Errorf("accepted, error %v", err)
			}
		})
	}
}

// Whatever a patch says, it does not make the parser panic, and one that is accepted has left everything that is protected as it was.
func FuzzPatch(f *testing.F) {
	for _, seed := range []string{
		"spec: {template: {spec: {nodeSelector: {disk: fast}}}}", "- {op: add, path: /metadata/annotations/a, value: b}",
		"- {op: remove, path: /spec/template/spec/containers/0}", "$patch: delete", "metadata: {labels: {a: b, $patch: replace}}",
		"spec: {template: {spec: {containers: [{name: dashboard, $patch: delete}], $setElementOrder/containers: [{name: x}]}}}",
		"spec: {template: {spec: {containers: [{$patch: replace}]}}}", "a: &a [*a]", "- {op: test, path: '', value: {}}", "? [a]\n: b", "\x00", "- - - -", "!!binary x", "spec: 2026-01-01",
		"- {op: add, path: /spec/template/spec/tolerations/-, value: {}}", `[{"op":"replace","path":"","value":null}]`, "metadata: {name: x, namespace: y}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, patch string) {
		if len(patch) > 4096 {
			return // the schema of the resource lets no more through
		}
		before := objects(t)[0]
		after, err := run(before, patch)
		if err != nil {
			return
		}
		if _, differs := forbidden(before, after); differs {
			return
		}
		for _, o := range []*unstructured.Unstructured{before, after} {
			// What is left when everything is taken out that people may set.
			for _, path := range allowed["Deployment"] {
				if path[len(path)-1] != anyKey {
					unstructured.RemoveNestedField(o.Object, path...)
					continue
				}
				marks, _, err := unstructured.NestedMap(o.Object, path[:len(path)-1]...)
				if err != nil {
					t.Fatalf("%v is no object after %q", path, patch)
				}
				for key := range marks {
					if foreign(key) {
						unstructured.RemoveNestedField(o.Object, append(path[:len(path)-1:len(path)-1], key)...)
					}
				}
				if left, _, _ := unstructured.NestedMap(o.Object, path[:len(path)-1]...); len(left) == 0 {
					unstructured.RemoveNestedField(o.Object, path[:len(path)-1]...)
				}
			}
		}
		if diff := cmp.Diff(before.Object, after.Object); diff != "" {
			t.Errorf("%q was let through and changed what is protected:\n%s", patch, diff)
		}
	})
}
