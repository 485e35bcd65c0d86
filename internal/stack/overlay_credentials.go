package stack

import (
	"fmt"
	"slices"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/credentials"
)

// loginsComponent names the component with the Job that the step of a rotation needs, empty when it needs none.
func loginsComponent(in Inputs) string {
	switch {
	case in.Hibernated, in.Database.Engine == EngineExternal:
		return ""
	case in.Credentials.Phase == credentials.Preparing:
		return "logins-make"
	case in.Credentials.Phase == credentials.Retiring:
		return "logins-retire"
	}
	return ""
}

// credentialsEdits lays over what a rotation needs beside the names of the Secrets, which nameSecrets gives.
func credentialsEdits(in Inputs) (map[string]edit, error) {
	edits := map[string]edit{}
	if loginsComponent(in) != "" {
		edits["Job/logins"] = image("logins", in.Images.CoordinationAPI)
		if in.NextLogins != "" {
			edits["Job/logins"] = both(edits["Job/logins"], func(o map[string]any) error {
				return set(o, hash(in.NextLogins)[:16], "spec", "template", "metadata", "annotations", v1alpha1.AnnotationConfigHash)
			})
		}
	}
	if other := in.Credentials.OtherSession(); other != "" {
		edits["Deployment/dashboard"] = func(o map[string]any) error {
			return inList(o, func(volume map[string]any) error {
				if volume["name"] != "session" {
					return nil
				}
				return addOtherSession(volume, other)
			}, "spec", "template", "spec", "volumes")
		}
	}
	return edits, nil
}

// addOtherSession mounts a second session key. A pod starts without it too: it goes at the next rotation but one.
func addOtherSession(volume map[string]any, name string) error {
	projected, ok := volume["projected"].(map[string]any)
	if !ok {
		return fmt.Errorf("the volume session is not projected")
	}
	sources, ok := projected["sources"].([]any)
	if !ok {
		return fmt.Errorf("the volume session has no sources")
	}
	projected["sources"] = append(sources, map[string]any{"secret": map[string]any{
		"name": name, "optional": true, "items": []any{map[string]any{"key": "key", "path": "other"}},
	}})
	return nil
}

// managedLogins declares to CloudNativePG the logins that it looks after: the two of the first generation, which its Cluster is made
// with, and the owner's of the current one, so that a Secret of the owner that was lost and made anew counts without anyone who
// could still log in. Those that were retired are declared without a password, so that nothing brings them back; those that are
// being replaced are left as they are, with or without their Secrets.
func managedLogins(in Inputs, cluster map[string]any) error {
	record := in.Credentials
	err := inList(cluster, func(role map[string]any) error {
		switch {
		case !record.FirstLogins():
			delete(role, "passwordSecret")
			role["login"], role["disablePassword"] = false, true
		case record.Generation > 1 || slices.Contains(in.LostSecrets, secretOf(role)):
			delete(role, "passwordSecret")
		}
		return nil
	}, "spec", "managed", "roles")
	if err != nil {
		return err
	}
	for _, login := range record.LaterOwners() {
		role := map[string]any{
			"name": login.Role, "ensure": "present", "login": !login.Retired, "inherit": true, "connectionLimit": int64(-1),
			"inRoles": []any{"cmhf_owner"},
		}
		if login.Retired {
			role["disablePassword"] = true
		} else {
			role["passwordSecret"] = map[string]any{"name": login.Secret}
		}
		if err := appendTo(cluster, role, "spec", "managed", "roles"); err != nil {
			return err
		}
	}
	return nil
}

func secretOf(role map[string]any) string {
	secret, _ := role["passwordSecret"].(map[string]any)
	name, _ := secret["name"].(string)
	return name
}

// nameSecrets puts the names of the current generation in the place of the base's, wherever a pod refers to a Secret: in a key, a
// volume or a source of one. "-next" at the end of a name in the base means the next generation.
func nameSecrets(in Inputs, value any) {
	names := map[string]string{}
	for _, purpose := range []string{credentials.DatabaseOwner, credentials.DatabaseApp, credentials.APIInternal, credentials.DashboardSession} {
		names[purpose] = credentials.Name(purpose, in.Credentials.Generation)
		names[purpose+"-next"] = credentials.Name(purpose, in.Credentials.Next())
	}
	var walk func(any)
	rename := func(reference any, key string) {
		if fields, ok := reference.(map[string]any); ok {
			if name, ok := fields[key].(string); ok && names[name] != "" {
				fields[key] = names[name]
			}
		}
	}
	walk = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, entry := range value {
				walk(entry)
			}
		case map[string]any:
			rename(value["secretKeyRef"], "name")
			rename(value["secretRef"], "name")
			rename(value["secret"], "name")
			rename(value["secret"], "secretName")
			for _, entry := range value {
				walk(entry)
			}
		}
	}
	walk(value)
}
