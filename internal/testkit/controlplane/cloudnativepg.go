package controlplane

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// CloudNativePGDefinition is the CustomResourceDefinition of a kind of CloudNativePG by its plural, out of the module that hack/cnpg
// names. Go fetches the module when it is not in its cache yet.
func CloudNativePGDefinition(plural string) (*unstructured.Unstructured, error) {
	root, err := ModuleRoot()
	if err != nil {
		return nil, err
	}
	command := exec.Command("go", "mod", "download", "-json", "github.com/cloudnative-pg/cloudnative-pg")
	command.Dir = filepath.Join(root, "hack", "cnpg")
	command.Env = append(os.Environ(), "GOWORK=off")
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("fetching CloudNativePG's module (go mod download in hack/cnpg): %w", err)
	}
	var module struct{ Dir string }
	if err := yaml.Unmarshal(out, &module); err != nil {
		return nil, fmt.Errorf("reading where CloudNativePG's module is: %w", err)
	}
	raw, err := os.ReadFile(filepath.Join(module.Dir, "config", "crd", "bases", "postgresql.cnpg.io_"+plural+".yaml"))
	if err != nil {
		return nil, fmt.Errorf("reading the definition of CloudNativePG's %s: %w", plural, err)
	}
	definition := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(raw, &definition.Object); err != nil {
		return nil, fmt.Errorf("decoding the definition of CloudNativePG's %s: %w", plural, err)
	}
	return definition, nil
}
