package stack

import "strconv"

// backupEdits lays over when the database is backed up and onto what.
func backupEdits(in Inputs) (map[string]edit, error) {
	backup := in.Database.Backup
	all := map[string]edit{
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
				return inList(container, variable("CMHF_RETENTION_DAYS", strconv.FormatInt(backup.RetentionDays, 10)), "env")
			}, "spec", "jobTemplate", "spec", "template", "spec", "containers")
		},
	}
	if restore := in.Database.Restore; restore.Backup != "" {
		all["Job/restore"] = both(image("restore", in.Images.Postgres), from(restore))
	}
	return all, nil
}

// from says what is restored.
func from(restore Restore) edit {
	return func(o map[string]any) error {
		err := inList(o, func(container map[string]any) error {
			if err := set(container, []any{"/var/lib/cmhf/backups/" + restore.Backup}, "args"); err != nil {
				return err
			}
			return inList(container, variable("CMHF_BACKUP_ODS_CODE", restore.ODSCode), "env")
		}, "spec", "template", "spec", "containers")
		if err != nil {
			return err
		}
		return inList(o, func(volume map[string]any) error {
			if volume["name"] != "backups" {
				return nil
			}
			return set(volume, restore.Claim, "persistentVolumeClaim", "claimName")
		}, "spec", "template", "spec", "volumes")
	}
}

// variable sets one of the environment variables.
func variable(name, value string) edit {
	return func(v map[string]any) error {
		if v["name"] == name {
			v["value"] = value
		}
		return nil
	}
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
