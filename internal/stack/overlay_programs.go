package stack

import "fmt"

// programEdits lays over the settings of the migration, the coordination API and the dashboard.
func programEdits(in Inputs) (map[string]edit, error) {
	return map[string]edit{
		"Job/migration":               image("migrate", in.Images.CoordinationAPI),
		"Deployment/coordination-api": both(image("coordination-api", in.Images.CoordinationAPI), replicas(in.CoordinationAPI)),
		"Deployment/dashboard":        both(image("dashboard", in.Images.Dashboard), replicas(in.Dashboard)),
	}, nil
}

func replicas(program Program) edit {
	return func(o map[string]any) error { return set(o, program.Replicas, "spec", "replicas") }
}

// image sets the image of a named container.
func image(container, image string) edit {
	return func(o map[string]any) error {
		return inList(o, func(c map[string]any) error {
			if c["name"] != container {
				return fmt.Errorf("its container is %v, not %s", c["name"], container)
			}
			return set(c, image, "image")
		}, "spec", "template", "spec", "containers")
	}
}
