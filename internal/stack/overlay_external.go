package stack

import (
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/credentials"
)

// Keys of the Secret that says where an external database is and who may log in. The certificate is optional: without it, public
// authorities vouch for the server.
const (
	ExternalHost          = "host"
	ExternalPort          = "port"
	ExternalDatabase      = "database"
	ExternalOwnerUsername = "ownerUsername"
	ExternalOwnerPassword = "ownerPassword"
	ExternalAppUsername   = "appUsername"
	ExternalAppPassword   = "appPassword"
	ExternalAuthority     = "ca.crt"
)

// externalEdits lays over where the server is.
func externalEdits(in Inputs) map[string]edit {
	external := in.Database.External
	return map[string]edit{
		"ConfigMap/database-connection": func(o map[string]any) error {
			return set(o, map[string]any{
				"host":     external.Host,
				"port":     strconv.FormatInt(external.Port, 10),
				"database": external.Database,
				"sslMode":  external.SSLMode,
				// Not read by any program: new credentials of the same Secret roll the pods, which take them when they start.
				"secretVersion": external.SecretVersion,
			}, "data")
		},
		"NetworkPolicy/external-database": func(o map[string]any) error {
			return inList(o, func(egress map[string]any) error {
				if err := set(egress, waysOut(external.CIDRs, in.ClusterCIDRs), "to"); err != nil {
					return err
				}
				return inList(egress, func(to map[string]any) error { return set(to, external.Port, "port") }, "ports")
			}, "spec", "egress")
		},
	}
}

// login gives a program that connects to the database what the engine decides: for an external one the names and keys of the
// logins, and for one with TLS the certificate of the authority that vouches for the server. Which programs connect is seen by
// their PGHOST.
func login(in Inputs, object *unstructured.Unstructured) error {
	pod := inTemplate(object, "spec")
	template, found, err := mapAt(object.Object, pod...)
	if err != nil || !found {
		return err
	}
	secret, key := authority(in)
	connects := false
	for _, list := range []string{"initContainers", "containers"} {
		if template[list] == nil {
			continue
		}
		err := inList(template, func(container map[string]any) error {
			env, err := listAt(container, "env")
			if err != nil || !hasName(env, "PGHOST") {
				return err
			}
			connects = true
			if in.Database.Engine == EngineExternal {
				if err := inList(container, externalLogin(in), "env"); err != nil {
					return err
				}
			}
			if secret == "" {
				return nil
			}
			if err := appendTo(container, map[string]any{"name": "PGSSLROOTCERT", "value": "/etc/cmhf/database-ca/ca.crt"}, "env"); err != nil {
				return err
			}
			return appendTo(container, map[string]any{"name": "database-ca", "mountPath": "/etc/cmhf/database-ca", "readOnly": true}, "volumeMounts")
		}, list)
		if err != nil {
			return err
		}
	}
	if connects && secret != "" {
		// Only the certificate: CloudNativePG keeps the authority's key in the same Secret.
		items := []any{map[string]any{"key": key, "path": "ca.crt"}}
		volume := map[string]any{"name": "database-ca", "secret": map[string]any{"secretName": secret, "items": items}}
		if err := appendTo(template, volume, "volumes"); err != nil {
			return err
		}
	}
	if !connects {
		return nil
	}
	if external := in.Database.External; in.Database.Engine == EngineExternal && object.GetKind() == "Job" {
		// Another database needs a migration of its own; a Job is named by its content.
		place := hash([]any{external.Host, external.Port, external.Database})[:16]
		if err := set(object.Object, place, "spec", "template", "metadata", "annotations", v1alpha1.AnnotationConfigHash); err != nil {
			return err
		}
	}
	return nil
}

// authority names the Secret, and the key in it, with the certificate that vouches for the database's server.
func authority(in Inputs) (secret, key string) {
	switch {
	case in.Database.Engine == EngineCloudNativePG:
		return "database-ca", "ca.crt"
	case in.Database.Engine == EngineExternal && in.Database.External.Authority:
		return in.Database.External.Secret, ExternalAuthority
	default:
		return "", ""
	}
}

// externalLogin leads the references to the operator's own Secrets, by their names in the current generation, to the one of the
// external database, whatever the generation is.
func externalLogin(in Inputs) edit {
	owner, app := credentials.Name(credentials.DatabaseOwner, in.Credentials.Generation), credentials.Name(credentials.DatabaseApp, in.Credentials.Generation)
	keys := map[string]string{
		owner + "/username": ExternalOwnerUsername, owner + "/password": ExternalOwnerPassword,
		app + "/username": ExternalAppUsername, app + "/password": ExternalAppPassword,
	}
	return func(variable map[string]any) error {
		reference, found, err := unstructured.NestedStringMap(variable, "valueFrom", "secretKeyRef")
		if err != nil || !found {
			return err
		}
		key := keys[reference["name"]+"/"+reference["key"]]
		if key == "" {
			return nil
		}
		return set(variable, map[string]any{"name": in.Database.External.Secret, "key": key}, "valueFrom", "secretKeyRef")
	}
}

// hasName says whether a list of objects has one of that name.
func hasName(list []any, name string) bool {
	for _, entry := range list {
		if fields, ok := entry.(map[string]any); ok && fields["name"] == name {
			return true
		}
	}
	return false
}

func appendTo(object map[string]any, value any, path ...string) error {
	list, err := listAt(object, path...)
	if err != nil {
		return err
	}
	return set(object, append(list, value), path...)
}
