package stack

import "fmt"

// databaseEdits lays over the settings of the tenant's engine; the component of that engine brings the objects.
func databaseEdits(in Inputs) (map[string]edit, error) {
	switch in.Database.Engine {
	case EngineCloudNativePG:
		return cloudNativePGEdits(in), nil
	case EngineExternal:
		return externalEdits(in), nil
	case EngineStandalone:
		return standaloneEdits(in), nil
	default:
		return nil, fmt.Errorf("unknown database engine %q", in.Database.Engine)
	}
}

func standaloneEdits(in Inputs) map[string]edit {
	return map[string]edit{
		"PersistentVolumeClaim/database-data": claim(in.Database.StorageSize, in.Database.StorageClass),
		"StatefulSet/database": both(both(image("postgresql", in.Images.Postgres), resources("postgresql", in.Database.Resources)), func(o map[string]any) error {
			if in.Hibernated {
				return set(o, int64(0), "spec", "replicas")
			}
			return nil
		}),
	}
}
