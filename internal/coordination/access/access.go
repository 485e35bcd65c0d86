// Package access is the one table of who may do what: operation by role. The middleware, the OpenAPI document, the tests and
// the documentation are driven by it. Which records a caller sees within an operation is decided by row-level security in
// the database (see internal/coordination/schema), not here.
package access

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
)

// Caller is who sent a request, as the access token says.
type Caller struct {
	Subject string
	// Client is the program the person used, or the system itself.
	Client   string
	Roles    []Role
	Services []string
	// Organisation is the partner for which a partner-practitioner or partner-officer acts: its ODS code, or its name where it has none.
	Organisation string
	Purpose      string
	// Role is the one of Roles under which the present operation is allowed.
	Role Role
	// RequestID ties the audit trail to the log.
	RequestID string
}

// Fingerprint tells callers apart without keeping who they are: the person together with the program.
func (c Caller) Fingerprint() [sha256.Size]byte {
	return sha256.Sum256([]byte(c.Subject + "\x00" + c.Client))
}

// Has tells whether the caller holds a role.
func (c Caller) Has(role Role) bool { return slices.Contains(c.Roles, role) }

// Table is the rules as Markdown, for the documentation.
func Table() string {
	var b strings.Builder
	b.WriteString("| operation |")
	for _, role := range roles {
		fmt.Fprintf(&b, " %s |", role)
	}
	b.WriteString(" audited |\n| --- |" + strings.Repeat(" --- |", len(roles)+1) + "\n")
	mark := map[bool]string{true: "yes", false: "-"}
	for _, rule := range table {
		fmt.Fprintf(&b, "| `%s` |", rule.Operation)
		for _, role := range roles {
			fmt.Fprintf(&b, " %s |", mark[slices.Contains(rule.Roles, role)])
		}
		fmt.Fprintf(&b, " %s |\n", mark[rule.Personal])
	}
	return b.String()
}
