package stack

// physicalBackupEdits lays over what CloudNativePG itself backs up, when and onto what.
func physicalBackupEdits(in Inputs) (map[string]edit, error) {
	all := map[string]edit{}
	if snapshots := in.Database.VolumeSnapshots; snapshots.Class != "" {
		all["ScheduledBackup/database-snapshots"] = scheduledBackup(in, snapshots.Schedule)
		all["Cluster/database"] = func(o map[string]any) error {
			return set(o, snapshots.Class, "spec", "backup", "volumeSnapshot", "className")
		}
	}
	store := in.Database.ObjectStore
	if store.Name == "" {
		return all, nil
	}
	archive := func(o map[string]any) error {
		return inList(o, func(plugin map[string]any) error {
			// Archives are told apart by the Cluster's name, which is every tenant's; two tenants may share a bucket.
			return set(plugin, map[string]any{"barmanObjectName": store.Name, "serverName": in.Namespace}, "parameters")
		}, "spec", "plugins")
	}
	if snapshots := all["Cluster/database"]; snapshots != nil {
		archive = both(snapshots, archive)
	}
	all["Cluster/database"] = archive
	all["ScheduledBackup/database-object-store"] = scheduledBackup(in, store.Schedule)
	all["NetworkPolicy/database-to-object-store"] = func(o map[string]any) error {
		return inList(o, func(egress map[string]any) error {
			if err := set(egress, waysOut(store.CIDRs, in.ClusterCIDRs), "to"); err != nil {
				return err
			}
			return inList(egress, func(to map[string]any) error { return set(to, store.Port, "port") }, "ports")
		}, "spec", "egress")
	}
	return all, nil
}

// scheduledBackup sets the schedule; CloudNativePG wants a field for seconds before cron's five. Nothing can be backed up while the
// tenant hibernates.
func scheduledBackup(in Inputs, schedule string) edit {
	return func(o map[string]any) error {
		if err := set(o, "0 "+schedule, "spec", "schedule"); err != nil {
			return err
		}
		return set(o, in.Hibernated, "spec", "suspend")
	}
}
