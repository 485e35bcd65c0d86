// Package directory is the tenant's service directory as it travels from the operator to the coordination API: which core
// community services an ICS has, which neighbourhoods each serves, and which are closing.
//
// The operator builds a Directory from the accepted CoreCommunityService resources, stores it in a ConfigMap (the API's
// start-up copy) and PUTs it to the API's internal port. The API commits it in one transaction and answers with the
// Committed document. This package holds the wire format and its digests only: no validation against an ICS, no HTTP,
// no database.
package directory

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
)

// FormatV1 is the only document format so far. A stack release pins the format it understands.
const FormatV1 = "cmhf.health/directory/v1"

// TokenHeader carries the tenant's token where the Authorization header can't: through the Kubernetes API server's service
// proxy, which keeps that header for itself.
const TokenHeader = "X-CMHF-Internal-Token"

// ServiceState says whether a service takes new referrals.
type ServiceState string

const (
	// StateOpen services take referrals.
	StateOpen ServiceState = "Open"
	// StateClosing services keep their history and the people they hold, and take no new referrals.
	StateClosing ServiceState = "Closing"
)

// Directory is the whole service directory of one ICS.
type Directory struct {
	Format string `json:"format"`
	// Revision grows by one with every change of content; the API refuses an older one.
	Revision int64 `json:"revision"`
	// ODSCode is the upper-case ODS code of the ICS.
	ODSCode string `json:"odsCode"`
	Name    string `json:"name"`
	// Neighbourhoods of the ICS, sorted by name.
	Neighbourhoods []Neighbourhood `json:"neighbourhoods"`
	// Services sorted by name.
	Services []Service `json:"services"`
	// DefaultService is the open service that receives people for whom nobody names one; empty when there is none.
	DefaultService string `json:"defaultService,omitempty"`
}

// Neighbourhood is a primary care network footprint within a place.
type Neighbourhood struct {
	Name  string `json:"name"`
	Place string `json:"place"`
}

// Service is one neighbourhood-based core community service.
type Service struct {
	// ID is the stable scope key of the service in the database; see ServiceID.
	ID             uuid.UUID    `json:"id"`
	Name           string       `json:"name"`
	DisplayName    string       `json:"displayName"`
	State          ServiceState `json:"state"`
	Place          string       `json:"place"`
	Neighbourhoods []string     `json:"neighbourhoods"`
	LeadProvider   Provider     `json:"leadProvider"`
	Functions      []string     `json:"functions"`
	EntryRoutes    []string     `json:"entryRoutes"`
	// MinimumAge and MaximumAge in whole years; nil means no limit.
	MinimumAge *int32 `json:"minimumAge,omitempty"`
	MaximumAge *int32 `json:"maximumAge,omitempty"`
	// What follows is left out where nothing is declared, so that an API that doesn't know it takes the entry all the same.

	// Standards that the service has set itself, sorted by id; the API knows what applies otherwise.
	Standards []Standard `json:"standards,omitempty"`
	// TeamTypes are national codes such as A06.
	TeamTypes []string  `json:"teamTypes,omitempty"`
	Capacity  *Capacity `json:"capacity,omitempty"`
	Partners  []Partner `json:"partners,omitempty"`
	Settings  []string  `json:"settings,omitempty"`
	// CoordinationLevels are the service's own names for how much planning and coordination a person needs; none: any name may be used.
	CoordinationLevels []string `json:"coordinationLevels,omitempty"`
}

// StandardIDs are the standards that a service can set itself; the ending of an id is the value's unit.
var StandardIDs = []string{"FirstContactDays", "FollowUpHours", "HandoverAnswerDays", "KeyWorkerDays", "ReentryCheckDays", "ReviewMonths"}

// Standard is how soon something is to happen.
type Standard struct {
	ID    string `json:"id"`
	Value int32  `json:"value"`
	// Source says whose standard it is.
	Source string `json:"source"`
}

// Capacity is what a service can hold; nil means not declared. It is shown and blocks nothing.
type Capacity struct {
	Caseload   *int32 `json:"caseload,omitempty"`
	KeyWorkers *int32 `json:"keyWorkers,omitempty"`
}

// Sectors of partner organisations.
var Sectors = []string{"Employer", "Education", "LocalAuthority", "Housing", "VCSE", "PrimaryCare", "SecondaryCare", "SocialCare", "EmploymentSupport", "CriminalJustice", "LivedExperience"}

// Partner is an organisation that a service works with.
type Partner struct {
	Name    string `json:"name"`
	Sector  string `json:"sector"`
	ODSCode string `json:"odsCode,omitempty"`
}

// Provider is an organisation that leads a service.
type Provider struct {
	ODSCode string `json:"odsCode"`
	Name    string `json:"name"`
}

// Committed is what the API has in its database.
type Committed struct {
	Revision int64  `json:"revision"`
	Digest   string `json:"digest"`
	// Services maps the name of each service to the digest of its committed entry.
	Services map[string]string `json:"services"`
}

// namespace is the UUIDv5 name space of service identifiers, fixed for ever.
var namespace = uuid.MustParse("6f0e4c0a-5b0e-5d5c-9a53-0d7b1c8c7f3e")

// ServiceID gives the stable identifier of a service: the same ICS and resource name always give the same one, so it
// survives the loss of every custom resource and needs no store.
func ServiceID(odsCode, name string) uuid.UUID {
	return uuid.NewSHA1(namespace, []byte(odsCode+"/"+name))
}

// Digest identifies the content of the directory; the revision does not count.
func (d Directory) Digest() string {
	d.Revision = 0
	return digest(d)
}

// Digest identifies the content of one entry.
func (s Service) Digest() string { return digest(s) }

func digest(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encoding a directory value: %v", err)) // plain structs of strings and numbers always encode
	}
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}
