package controllers_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cmhf/operator/api/v1alpha1"
)

const validSystem = `
apiVersion: cmhf.health/v1alpha1
kind: IntegratedCareSystem
metadata: {name: qb1}
spec:
  odsCode: QB1
  displayName: A system
  region: London
  places: [{name: East}]
  neighbourhoods: [{name: Harbour, place: East}]
  stack:
    database: {storage: {size: 20Gi}}
    authentication: {issuer: https://idp.example.org}
    coordinationAPI: {url: https://api.example.org}
    dashboard: {url: http://dashboard.ics-qb1.cmhf.localhost:8080}
`

const validService = `
apiVersion: cmhf.health/v1alpha1
kind: CoreCommunityService
metadata: {name: harbour, namespace: default}
spec:
  displayName: Harbour core service
  place: East
  neighbourhoods: [Harbour]
  leadProvider: {odsCode: RXV, name: A provider}
  functions: [Core]
  ages: {minimum: 18}
`

// What needs no look-up is refused by the API server itself, with a message that names the field.
func TestRefusedByTheAPIServer(t *testing.T) {
	for name, test := range map[string]struct {
		base, replace, with string
		want                []string
	}{
		"duplicate neighbourhood":     {validSystem, "[{name: Harbour, place: East}]", "[{name: Harbour, place: East}, {name: Harbour, place: East}]", []string{"spec.neighbourhoods[1]", "Duplicate"}},
		"wrong ODS code":              {validSystem, "odsCode: QB1", "odsCode: QB12", []string{"spec.odsCode", "should match"}},
		"name is not the code":        {validSystem, "name: qb1}", "name: qb2}", []string{"the name must be the ODS code in lower case (spec.odsCode)"}},
		"bad size":                    {validSystem, "size: 20Gi", "size: 20Gigs", []string{"spec.stack.database.storage.size", "must be a Kubernetes quantity"}},
		"size too small":              {validSystem, "size: 20Gi", "size: 20Mi", []string{"spec.stack.database.storage.size", "at least 1Gi"}},
		"unknown field":               {validSystem, "region: London", "region: London\n  regoin: London", []string{"spec.regoin"}},
		"unknown region":              {validSystem, "region: London", "region: Wessex", []string{"spec.region", "Unsupported value"}},
		"unknown place":               {validSystem, "place: East}]", "place: North}]", []string{"spec.neighbourhoods", "every neighbourhood must name a place"}},
		"plain http issuer":           {validSystem, "issuer: https", "issuer: http", []string{"spec.stack.authentication.issuer", "must be an https URL"}},
		"address with a path":         {validSystem, "url: https://api.example.org", "url: https://api.example.org/v1", []string{"spec.stack.coordinationAPI.url", "must have no path"}},
		"system group as lead":        {validSystem, "region: London", "region: London\n  digitalLeads: [{kind: Group, name: 'system:masters'}]", []string{"spec.digitalLeads[0].name", "belong to Kubernetes itself"}},
		"replicas and autoscaling":    {validSystem, "url: https://api.example.org", "url: https://api.example.org, replicas: 2, autoscaling: {maxReplicas: 4}", []string{"spec.stack.coordinationAPI.replicas", "leave replicas out"}},
		"autoscaling upside down":     {validSystem, "url: https://api.example.org", "url: https://api.example.org, autoscaling: {minReplicas: 5, maxReplicas: 4}", []string{"spec.stack.coordinationAPI.autoscaling", "minReplicas must not be above maxReplicas"}},
		"limit below the request":     {validSystem, "url: https://api.example.org", "url: https://api.example.org, resources: {requests: {memory: 1Gi}, limits: {memory: 1G}}", []string{"spec.stack.coordinationAPI.resources", "the limit of memory must not be below the request"}},
		"no quantity":                 {validSystem, "url: https://api.example.org", "url: https://api.example.org, resources: {requests: {cpu: much}}", []string{"spec.stack.coordinationAPI.resources.requests.cpu", "must be a Kubernetes quantity"}},
		"no memory":                   {validSystem, "url: https://api.example.org", "url: https://api.example.org, resources: {limits: {memory: 1Mi}}", []string{"spec.stack.coordinationAPI.resources.limits.memory", "32Mi to 512Gi"}},
		"small database":              {validSystem, "{size: 20Gi}", "{size: 20Gi}, resources: {limits: {memory: 128Mi}}", []string{"spec.stack.database.resources.limits.memory", "at least 256Mi"}},
		"certificate without Ingress": {validSystem, "url: https://api.example.org", "url: https://api.example.org, tlsSecretRef: {name: x}", []string{"spec.stack", "tlsSecretRef belongs to exposure by Ingress"}},
		"one host for both":           {validSystem, "url: https://api.example.org}", "url: 'https://dashboard.ics-qb1.cmhf.LOCALHOST:8443'}\n    exposure: {type: Ingress}", []string{"spec.stack", "host names of their own"}},
		"an address as host":          {validSystem, "url: https://api.example.org}", "url: 'https://[2001:db8::1]'}\n    exposure: {type: Ingress}", []string{"spec.stack", "host names in the URLs"}},
		"gateway without its name":    {validSystem, "url: https://api.example.org}", "url: https://api.example.org}\n    exposure: {type: Gateway}", []string{"spec.stack.exposure.gateway", "belongs to type Gateway, which needs it"}},
		"class of a gateway":          {validSystem, "url: https://api.example.org}", "url: https://api.example.org}\n    exposure: {type: Gateway, gateway: {name: a, namespace: b}, ingress: {className: c}}", []string{"spec.stack.exposure.ingress", "belongs to type Ingress"}},
		"patch of anything":           {validSystem, "url: https://api.example.org}", "url: https://api.example.org}\n    patches: [{target: {kind: NetworkPolicy, name: default-deny}, patch: x}]", []string{"spec.stack.patches[0].target.kind", "Unsupported value"}},
		"long patch":                  {validSystem, "url: https://api.example.org}", "url: https://api.example.org}\n    patches: [{target: {kind: Deployment, name: dashboard}, patch: " + strings.Repeat("x", 4097) + "}]", []string{"spec.stack.patches[0].patch", "4096"}},
		"no CIDR":                     {validSystem, "{issuer: https://idp.example.org}", "{issuer: https://idp.example.org, egressCIDRs: [idp.example.org]}", []string{"spec.stack.authentication.egressCIDRs[0]", "must be a CIDR"}},
		"no neighbourhoods":           {validService, "neighbourhoods: [Harbour]", "neighbourhoods: []", []string{"spec.neighbourhoods"}},
		"twice the neighbourhood":     {validService, "neighbourhoods: [Harbour]", "neighbourhoods: [Harbour, Harbour]", []string{"spec.neighbourhoods[1]", "Duplicate"}},
		"unknown function":            {validService, "functions: [Core]", "functions: [Dentistry]", []string{"spec.functions[0]", "Unsupported value"}},
		"provider code":               {validService, "odsCode: RXV", "odsCode: rxv", []string{"spec.leadProvider.odsCode"}},
		"ages upside down":            {validService, "{minimum: 18}", "{minimum: 65, maximum: 18}", []string{"spec.ages", "minimum must not be above maximum"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(test.base, test.replace, test.with, 1)
			if text == test.base {
				t.Fatalf("%q is not in the base", test.replace)
			}
			err := createStrictly(t, text)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
	t.Run("the valid ones", func(t *testing.T) {
		for _, text := range []string{validSystem, validService} {
			if err := createStrictly(t, text); err != nil {
				t.Error(err)
			}
		}
	})
}

// createStrictly asks as kubectl does by default: unknown fields are refused. Nothing is stored.
func createStrictly(t *testing.T, text string) error {
	t.Helper()
	object := &unstructured.Unstructured{}
	must(t, yaml.Unmarshal([]byte(text), &object.Object))
	return client.WithFieldValidation(k8s, "Strict").Create(t.Context(), object, client.DryRunAll)
}

func TestRefusedChanges(t *testing.T) {
	ics := system("QB2")
	class := "fast"
	ics.Spec.Stack.Database.Storage = v1alpha1.Storage{Size: "20Gi", ClassName: &class}
	create(t, ics)
	for name, test := range map[string]struct {
		change func(*v1alpha1.IntegratedCareSystem)
		want   string
	}{
		"ODS code":      {func(i *v1alpha1.IntegratedCareSystem) { i.Spec.ODSCode = "QB3" }, "can't be changed"},
		"storage class": {func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Database.Storage.ClassName = nil }, "can't be changed"},
		"kind of data":  {func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Data = v1alpha1.DataSynthetic }, "synthetic people never"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := ics.DeepCopy()
			test.change(changed)
			err := k8s.Update(t.Context(), changed, client.DryRunAll)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
		})
	}
	grown := ics.DeepCopy()
	grown.Spec.Stack.Database.Storage.Size = "0.5Ti"
	must(t, k8s.Update(t.Context(), grown, client.DryRunAll))
}
