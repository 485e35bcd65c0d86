package access

import "slices"

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
	// Auditor reads who saw whose record and verifies the audit trail, and changes nothing.
	Auditor Role = "auditor"
	// RecordsOfficer puts records right: matching, merging, retracting.
	RecordsOfficer Role = "records-officer"
	// DisposalOfficer disposes of records whose time is over, together with another one.
	DisposalOfficer Role = "disposal-officer"
	// PartnerPractitioner works for an organisation outside the directory and sees what is handed over to it.
	PartnerPractitioner Role = "partner-practitioner"
	// PartnerOfficer tells how far one organisation is with what the frameworks ask of it; no person's record.
	PartnerOfficer Role = "partner-officer"
)

// roles are all there are, in the order in which the documentation shows them.
var roles = []Role{Practitioner, ServiceLead, DigitalLead, Integration, PartnerPractitioner, PartnerOfficer, RecordsOfficer, DisposalOfficer, Auditor}

// Roles are all there are.
func Roles() []Role { return slices.Clone(roles) }

// PurposeDirectCare is the purpose that systems must state and people have by their role.
const PurposeDirectCare = "direct-care"

// Purpose is what a person has to do with records by their role.
func (r Role) Purpose() string {
	switch r {
	case Auditor:
		return "audit"
	case RecordsOfficer, DisposalOfficer:
		return "records-management"
	}
	return PurposeDirectCare
}
