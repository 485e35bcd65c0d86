package stack

import (
	"slices"
)

// flow is a row of the table of what may talk. A role of the stack (database, dashboard, …) means that pod of one tenant, on
// both sides of the same tenant.
type flow struct{ from, to, port string }

const (
	tenantPods = "every pod of the tenant"
	outside    = "outside" // a way out to addresses outside the cluster; it lets nobody in
	// apiService is no pod and yet an address of the cluster's own.
	apiService = "Service of the API server"
)

// allowed is every flow that there is; all others are denied.
func allowed(issuerPort string) []flow {
	return []flow{
		{"migration", "database", "5432/TCP"},
		{"logins", "database", "5432/TCP"},
		{"backup", "database", "5432/TCP"},
		{"restore", "database", "5432/TCP"},
		{"coordination-api", "database", "5432/TCP"},
		{"dashboard", "coordination-api", "8080/TCP"},
		{"gateway", "coordination-api", "8080/TCP"},
		{"gateway", "dashboard", "8080/TCP"},
		{"operator", "coordination-api", "8081/TCP"},
		{tenantPods, "kube-dns", "53/UDP"},
		{tenantPods, "kube-dns", "53/TCP"},
		// The identity provider. Policies know no names, so the way there is open to its port at every address that is not
		// the cluster's.
		{"coordination-api", outside, issuerPort},
		{"dashboard", outside, issuerPort},
	}
}

// objectStore is the engine CloudNativePG with backups of its own.
const objectStore = "CloudNativePG with an object store"

// allowedWith adds what an engine needs to the table.
func allowedWith(engine, issuerPort string) []flow {
	table := allowed(issuerPort)
	switch engine {
	case objectStore:
		return append(allowedWith(EngineCloudNativePG, issuerPort), flow{"database", "object store", "9000/TCP"})
	case EngineCloudNativePG:
		// Its servers replicate and look after each other, their operator looks after them, and they read their Cluster at the API
		// server, which is at the address of its Service and at its own: at each on its port, and nowhere else.
		for _, from := range []string{"database", "cloudnative-pg"} {
			table = append(table, flow{from, "database", "5432/TCP"}, flow{from, "database", "8000/TCP"})
		}
		return append(table, flow{"database", apiService, "443/TCP"}, flow{"database", "API server", "6443/TCP"})
	case EngineExternal:
		table = slices.DeleteFunc(table, func(f flow) bool { return f.to == "database" })
		for _, from := range []string{"coordination-api", "migration", "backup", "restore"} {
			table = append(table, flow{from, "external database", "6432/TCP"})
		}
	}
	return table
}

// ports are those that something serves, and one that nothing does.
var ports = []string{"5432/TCP", "6432/TCP", "8000/TCP", "8080/TCP", "8081/TCP", "53/UDP", "53/TCP", "443/TCP", "6443/TCP", "9000/TCP", "9999/TCP"}

// expected writes the table out for every tenant.
func expected(table []flow, endpoints []endpoint) map[verdict]bool {
	want := map[verdict]bool{}
	for _, tenant := range []string{"qop", "qsl"} {
		matches := func(row string, e endpoint) bool {
			switch row {
			case outside:
				return e.peer.Internal == nil && e.name != apiService
			case tenantPods:
				return e.tenant == tenant
			default:
				return e.name == row && (e.tenant == tenant || e.tenant == "")
			}
		}
		for _, row := range table {
			for _, from := range endpoints {
				for _, to := range endpoints {
					if !matches(row.from, from) || !matches(row.to, to) {
						continue
					}
					if from.tenant != "" {
						want[verdict{leaves, from.String(), to.String(), row.port}] = true
					}
					if to.tenant != "" && row.to != outside {
						want[verdict{enters, from.String(), to.String(), row.port}] = true
					}
				}
			}
		}
	}
	return want
}
