package stack

// databaseEdits lays over the settings of the tenant's engine; the component of that engine brings the objects.
func databaseEdits(in Inputs) (map[string]edit, error) {
	return standaloneEdits(in), nil
}

func standaloneEdits(in Inputs) map[string]edit {
	return map[string]edit{
		"PersistentVolumeClaim/database-data": func(o map[string]any) error {
			if in.Database.StorageClass != "" {
				if err := set(o, in.Database.StorageClass, "spec", "storageClassName"); err != nil {
					return err
				}
			}
			return set(o, in.Database.StorageSize, "spec", "resources", "requests", "storage")
		},
		"StatefulSet/database": both(both(image("postgresql", in.Images.Postgres), resources("postgresql", in.Database.Resources)), func(o map[string]any) error {
			if in.Hibernated {
				return set(o, int64(0), "spec", "replicas")
			}
			return nil
		}),
	}
}
