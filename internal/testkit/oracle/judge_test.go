package oracle

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

// event is a version of an object, written down as YAML; a line "gone" ends it.
func event(t *testing.T, revision uint64, text string) Event {
	t.Helper()
	text, gone := strings.CutSuffix(text, "gone")
	object := &unstructured.Unstructured{}
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = json.Unmarshal(raw, &object.Object)
	}
	if err != nil {
		t.Fatal(err)
	}
	e := Event{Revision: revision, Kind: object.GroupVersionKind(), Gone: gone, Object: object}
	if uses := object.GetAnnotations()["uses"]; uses != "" {
		e.Uses = map[string]bool{uses: true}
	}
	return e
}

func of(kind, name, rest string) string {
	version := "v1"
	switch kind {
	case "IntegratedCareSystem":
		return fmt.Sprintf("{apiVersion: cmhf.health/v1alpha1, kind: %s, metadata: {name: %s, uid: %[2]s, %s", kind, name, rest)
	case "Namespace":
		return fmt.Sprintf("{apiVersion: v1, kind: %s, metadata: {name: %s, uid: %[2]s, labels: {cmhf.health/ics: qop}, %s", kind, name, rest)
	case "StatefulSet", "Deployment":
		version = "apps/v1"
	}
	return fmt.Sprintf("{apiVersion: %s, kind: %s, metadata: {name: %s, namespace: ics-qop, uid: %[3]s, labels: {cmhf.health/ics: qop}, %[4]s", version, kind, name, rest)
}

// What may go and what may not, from logs that hold nothing else.
func TestLosses(t *testing.T) {
	const (
		leaving   = `deletionTimestamp: "2026-01-01T00:00:00Z"`
		confirmed = `annotations: {cmhf.health/confirm-deletion: qop}`
		verified  = "status: {deletion: {policy: Delete, backup: {claimUID: backups}}}}"
		retiring  = `annotations: {cmhf.health/credentials: '{"generation":2,"phase":"Retiring"}'}`
	)
	namespace := of("Namespace", "ics-qop", "}}")
	claim, gone := of("PersistentVolumeClaim", "data", "}}"), of("PersistentVolumeClaim", "data", "}}")+"gone"
	for name, test := range map[string]struct {
		log  []string
		want string
	}{
		"a claim, for no reason":            {[]string{namespace, claim, gone}, "PersistentVolumeClaim ics-qop/data went: no deletion"},
		"a claim that is only on its way":   {[]string{namespace, claim, of("PersistentVolumeClaim", "data", leaving+"}}")}, "no deletion"},
		"a StatefulSet, for no reason":      {[]string{namespace, of("StatefulSet", "database", "}}") + "gone"}, "no deletion"},
		"a namespace":                       {[]string{namespace, of("Namespace", "ics-qop", leaving+"}}")}, "no policy removes the namespace"},
		"content of a namespace that goes":  {[]string{of("Namespace", "ics-qop", leaving+"}, x: asked}"), claim, gone}, ""},
		"a deletion that is confirmed":      {[]string{namespace, claim, of("IntegratedCareSystem", "qop", leaving+","+confirmed+"},"+verified), gone}, ""},
		"confirmed after it went":           {[]string{namespace, claim, gone, of("IntegratedCareSystem", "qop", leaving+","+confirmed+"},"+verified)}, "no deletion"},
		"a deletion that is not confirmed":  {[]string{namespace, claim, of("IntegratedCareSystem", "qop", leaving+"},"+verified), gone}, "no deletion"},
		"confirmed, and not being deleted":  {[]string{namespace, claim, of("IntegratedCareSystem", "qop", confirmed+"},"+verified), gone}, "no deletion"},
		"a deletion without a backup":       {[]string{namespace, claim, of("IntegratedCareSystem", "qop", leaving+","+confirmed+"}, status: {deletion: {policy: Delete}}}"), gone}, "no deletion"},
		"a deletion that archives":          {[]string{namespace, claim, of("IntegratedCareSystem", "qop", leaving+","+confirmed+"}, status: {deletion: {policy: Archive, backup: {claimUID: backups}}}}"), gone}, "no deletion"},
		"the backups":                       {[]string{namespace, of("IntegratedCareSystem", "qop", leaving+","+confirmed+"},"+verified), of("PersistentVolumeClaim", "backups", "}}") + "gone"}, "it holds the last backup"},
		"a Secret in use":                   {[]string{namespace, of("Secret", "database-app", "}}") + "gone"}, "no rotation has retired it"},
		"a Secret that was retired":         {[]string{of("Namespace", "ics-qop", retiring+"}}"), of("Secret", "database-app", "}}") + "gone"}, ""},
		"the Secret of now":                 {[]string{of("Namespace", "ics-qop", retiring+"}}"), of("Secret", "database-app-2", "}}") + "gone"}, "no rotation has retired it"},
		"a Secret that a program still has": {[]string{of("Namespace", "ics-qop", retiring+"}}"), of("Deployment", "api", "annotations: {uses: database-app}}}"), of("Secret", "database-app", "}}") + "gone"}, "Deployment ics-qop/api is still made with it"},
		"what the test deletes":             {[]string{namespace, of("PersistentVolumeClaim", "asked", "}}") + "gone"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var log []Event
			for i, text := range test.log {
				log = append(log, event(t, uint64(i+1), text))
			}
			asked := map[types.UID]bool{"asked": true}
			if strings.Contains(test.log[0], "x: asked") {
				asked["ics-qop"] = true
			}
			found := strings.Join(losses(log, asked), "\n")
			if (found == "") != (test.want == "") || !strings.Contains(found, test.want) {
				t.Errorf("found %q, want %q", found, test.want)
			}
		})
	}
}

// The order of the API server counts, not the one in which watches brought it.
func TestEventsAreJudgedInTheirOrder(t *testing.T) {
	namespace := event(t, 1, of("Namespace", "ics-qop", "}}"))
	confirmed := event(t, 3, of("IntegratedCareSystem", "qop", `deletionTimestamp: "2026-01-01T00:00:00Z", annotations: {cmhf.health/confirm-deletion: qop}}, status: {deletion: {policy: Delete, backup: {claimUID: backups}}}}`))
	gone := event(t, 4, of("PersistentVolumeClaim", "data", "}}")+"gone")
	if found := losses(inOrder([]Event{gone, confirmed, namespace}), nil); found != nil {
		t.Errorf("found %v", found)
	}
	gone.Revision = 2
	if found := losses(inOrder([]Event{gone, confirmed, namespace}), nil); len(found) != 1 {
		t.Errorf("found %v, want that the claim went before", found)
	}
}

// A field of the spec that is the operator's is told of once, however many versions have it.
func TestTrespasses(t *testing.T) {
	owned := func(manager, fields string) Event {
		return event(t, 1, of("IntegratedCareSystem", "qop", fmt.Sprintf("managedFields: [{manager: %s, fieldsV1: %s}]}}", manager, fields)))
	}
	for name, test := range map[string]struct {
		log  []Event
		want int
	}{
		"the user's":                   {[]Event{owned("kubectl", `{"f:spec": {}}`)}, 0},
		"the operator's metadata":      {[]Event{owned("cmhf-operator", `{"f:metadata": {}}`)}, 0},
		"the operator's spec, twice":   {[]Event{owned("cmhf-operator", `{"f:spec": {"f:state": {}}}`), owned("cmhf-operator", `{"f:spec": {"f:state": {}}}`)}, 1},
		"another part of the operator": {[]Event{owned("cmhf-operator-replicas", `{"f:spec": {}}`)}, 1},
	} {
		if found := trespasses(test.log); len(found) != test.want {
			t.Errorf("%s: found %v", name, found)
		}
	}
}

// What comes to be Ready is held against the hashes of what was there at that moment.
func TestDifferences(t *testing.T) {
	object := func(text string) *unstructured.Unstructured { return event(t, 1, text).Object }
	const was, is = `annotations: {cmhf.health/render-hash: was}}}`, `annotations: {cmhf.health/render-hash: is}}}`
	rendered := []*unstructured.Unstructured{object(of("Deployment", "api", is))}
	ics, err := typed(object(of("IntegratedCareSystem", "qop", "}}")))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		there []Event
		want  string
	}{
		"as rendered":                 {[]Event{event(t, 1, of("Deployment", "api", is))}, ""},
		"of another render":           {[]Event{event(t, 1, of("Deployment", "api", was))}, "Deployment ics-qop/api was of another render"},
		"not there":                   {nil, "Deployment ics-qop/api was not there"},
		"gone a moment before":        {[]Event{event(t, 1, of("Deployment", "api", is)), event(t, 2, of("Deployment", "api", is)+"gone")}, "was not there"},
		"right, and wrong afterwards": {[]Event{event(t, 1, of("Deployment", "api", is)), event(t, 9, of("Deployment", "api", was))}, ""},
	} {
		if found := strings.Join(differences(at(test.there, 5), rendered, ics), "\n"); (found == "") != (test.want == "") || !strings.Contains(found, test.want) {
			t.Errorf("%s: found %q", name, found)
		}
	}
}
