package stack

import "strconv"

// backupEdits lays over when the database is backed up and onto what.
func backupEdits(in Inputs) (map[string]edit, error) {
	backup := in.Database.Backup
	return map[string]edit{
		"PersistentVolumeClaim/database-backups": claim(backup.StorageSize, backup.StorageClass),
		"CronJob/database-backup": func(o map[string]any) error {
			if err := set(o, backup.Schedule, "spec", "schedule"); err != nil {
				return err
			}
			// Nothing to back up answers while the tenant hibernates; what the volume held before it stays.
			if err := set(o, backup.Suspended || in.Hibernated, "spec", "suspend"); err != nil {
				return err
			}
			return inList(o, func(container map[string]any) error {
				if err := set(container, in.Images.Postgres, "image"); err != nil {
					return err
				}
				return inList(container, func(variable map[string]any) error {
					if variable["name"] == "CMHF_RETENTION_DAYS" {
						variable["value"] = strconv.FormatInt(backup.RetentionDays, 10)
					}
					return nil
				}, "env")
			}, "spec", "jobTemplate", "spec", "template", "spec", "containers")
		},
	}, nil
}

// claim sets the size and, where there is one, the class of a volume claim.
func claim(size, class string) edit {
	return func(o map[string]any) error {
		if class != "" {
			if err := set(o, class, "spec", "storageClassName"); err != nil {
				return err
			}
		}
		return set(o, size, "spec", "resources", "requests", "storage")
	}
}
