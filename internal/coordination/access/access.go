// Package access is the one table of who may do what: operation by role. The middleware, the OpenAPI document, the tests and
// the documentation are driven by it. Which records a caller sees within an operation is decided by row-level security in
// the database (see internal/coordination/schema), not here.
package access

import (
	"fmt"
	"slices"
	"strings"
)

// Role is a value of the roles claim.
type Role string

// The roles.
const (
	Practitioner Role = "practitioner"
	ServiceLead  Role = "service-lead"
	// DigitalLead sees statistics only.
	DigitalLead Role = "digital-lead"
	// Integration is a system; it must state the purpose of direct care.
	Integration Role = "integration"
)

// PurposeDirectCare is the purpose that systems must state and people have by their role.
const PurposeDirectCare = "direct-care"

// Operation names something a caller may do; it is the operationId in the OpenAPI document and the name in the audit trail.
type Operation string

// The operations.
const (
	SearchPeople   Operation = "searchPeople"
	ReadPerson     Operation = "readPerson"
	ReadAccessLog  Operation = "readAccessLog"
	SetLegalDuties Operation = "setLegalDuties"
	CreateReferral Operation = "createReferral"
	ReadReferral   Operation = "readReferral"
	ListReferrals  Operation = "listReferrals"
	AcceptReferral Operation = "acceptReferral"
	ReadEpisode    Operation = "readEpisode"
	ListEpisodes   Operation = "listEpisodes"
	RecordReaching Operation = "recordReachingStep"
	CloseEpisode   Operation = "closeEpisode"
	ListServices   Operation = "listServices"
	ReadAtAGlance  Operation = "readAtAGlance"
)

// Rule is one row of the table.
type Rule struct {
	Operation Operation
	Roles     []Role
	// Personal operations touch people's records: each use is audited, and systems must state their purpose.
	Personal bool
	// Writes: the operation changes records; a system that is read-only refuses it. An audit entry is no change of a record.
	Writes bool
}

var table = []Rule{
	{SearchPeople, []Role{ServiceLead, Practitioner, Integration}, true, false},
	{ReadPerson, []Role{ServiceLead, Practitioner, Integration}, true, false},
	{ReadAccessLog, []Role{ServiceLead, Practitioner}, true, false},
	{SetLegalDuties, []Role{ServiceLead, Practitioner}, true, true},
	{CreateReferral, []Role{ServiceLead, Practitioner, Integration}, true, true},
	{ReadReferral, []Role{ServiceLead, Practitioner, Integration}, true, false},
	{ListReferrals, []Role{ServiceLead, Practitioner, Integration}, true, false},
	{AcceptReferral, []Role{ServiceLead, Practitioner}, true, true},
	{ReadEpisode, []Role{ServiceLead, Practitioner, Integration}, true, false},
	{ListEpisodes, []Role{ServiceLead, Practitioner, Integration}, true, false},
	{RecordReaching, []Role{ServiceLead, Practitioner}, true, true},
	{CloseEpisode, []Role{ServiceLead, Practitioner}, true, true},
	{ListServices, []Role{ServiceLead, Practitioner, DigitalLead, Integration}, false, false},
	{ReadAtAGlance, []Role{ServiceLead, Practitioner, DigitalLead}, false, false},
}

// Rules is the whole table.
func Rules() []Rule { return slices.Clone(table) }

// For gives the rule of an operation; every operation has one.
func For(operation Operation) Rule {
	i := slices.IndexFunc(table, func(r Rule) bool { return r.Operation == operation })
	if i < 0 {
		panic("operation " + string(operation) + " has no rule") // a programming error, met at start
	}
	return table[i]
}

// Choose picks the role under which a holder of roles may act: the first of the rule's that is held.
func (r Rule) Choose(held []Role) (Role, bool) {
	for _, role := range r.Roles {
		if slices.Contains(held, role) {
			return role, true
		}
	}
	return "", false
}

// Caller is who sent a request, as the access token says.
type Caller struct {
	Subject string
	// Client is the program the person used, or the system itself.
	Client   string
	Roles    []Role
	Services []string
	Purpose  string
	// Role is the one of Roles under which the present operation is allowed.
	Role Role
	// RequestID ties the audit trail to the log.
	RequestID string
}

// Has tells whether the caller holds a role.
func (c Caller) Has(role Role) bool { return slices.Contains(c.Roles, role) }

// Table is the rules as Markdown, for the documentation.
func Table() string {
	columns := []Role{Practitioner, ServiceLead, DigitalLead, Integration}
	var b strings.Builder
	b.WriteString("| operation |")
	for _, role := range columns {
		fmt.Fprintf(&b, " %s |", role)
	}
	b.WriteString(" audited |\n| --- |" + strings.Repeat(" --- |", len(columns)+1) + "\n")
	mark := map[bool]string{true: "yes", false: "-"}
	for _, rule := range table {
		fmt.Fprintf(&b, "| `%s` |", rule.Operation)
		for _, role := range columns {
			fmt.Fprintf(&b, " %s |", mark[slices.Contains(rule.Roles, role)])
		}
		fmt.Fprintf(&b, " %s |\n", mark[rule.Personal])
	}
	return b.String()
}
