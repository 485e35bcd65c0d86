package controlplane

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// CloudNativePGDefinition is the CustomResourceDefinition of a kind of CloudNativePG by its plural, out of the module that hack/cnpg names.
func CloudNativePGDefinition(plural string) (*unstructured.Unstructured, error) {
	return definition(filepath.Join("hack", "cnpg"), "github.com/cloudnative-pg/cloudnative-pg", "config/crd/bases/postgresql.cnpg.io_"+plural+".yaml")
}

// GatewayDefinition is the CustomResourceDefinition of a kind of the Gateway API by its plural.
func GatewayDefinition(plural string) (*unstructured.Unstructured, error) {
	return definition("", "sigs.k8s.io/gateway-api", "config/crd/standard/gateway.networking.k8s.io_"+plural+".yaml")
}

// definition reads a file of a module that go.mod in a folder names. Go fetches the module when it is not in its cache yet.
func definition(folder, module, file string) (*unstructured.Unstructured, error) {
	root, err := ModuleRoot()
	if err != nil {
		return nil, err
	}
	command := exec.Command("go", "mod", "download", "-json", module)
	command.Dir = filepath.Join(root, folder)
	command.Env = append(os.Environ(), "GOWORK=off")
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("fetching module %s (go mod download in %s): %w", module, command.Dir, err)
	}
	var fetched struct{ Dir string }
	if err := yaml.Unmarshal(out, &fetched); err != nil {
		return nil, fmt.Errorf("reading where module %s is: %w", module, err)
	}
	raw, err := os.ReadFile(filepath.Join(fetched.Dir, filepath.FromSlash(file)))
	if err != nil {
		return nil, fmt.Errorf("reading a definition of module %s: %w", module, err)
	}
	made := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(raw, &made.Object); err != nil {
		return nil, fmt.Errorf("decoding %s of module %s: %w", file, module, err)
	}
	return made, nil
}
