// Package services is the subject of which core community services the ICS has: the directory that the operator commits,
// and its reading by callers. It holds no personal data.
//
// The directory lives in the database only. Each request reads it there, so every replica sees a change as soon as it is
// committed and nothing can go stale.
package services

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
	"github.com/cmhf/operator/internal/directory"
)

var (
	//go:embed sql/list.sql
	listSQL string
	//go:embed sql/by_name.sql
	byNameSQL string
	//go:embed sql/default.sql
	defaultSQL string
	//go:embed sql/fitting.sql
	fittingSQL string
)

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/services", Operation: access.ListServices, Tag: "services",
		Summary: "List the ICS's core community services", Description: "A service in state Closing takes no new referrals and keeps the people it has.",
	}, list)
}

// Service is one service as callers see it.
type Service struct {
	ID                 uuid.UUID          `json:"id" format:"uuid"`
	Name               string             `json:"name" doc:"The name by which tokens and referrals mean the service."`
	DisplayName        string             `json:"displayName"`
	State              string             `json:"state" enum:"Open,Closing"`
	Default            bool               `json:"default" doc:"Whether it receives people for whom nobody names a service: without an address, unregistered, out of the area, or of an age that no service is for."`
	Place              string             `json:"place"`
	Neighbourhoods     []string           `json:"neighbourhoods" nullable:"false"`
	LeadProvider       directory.Provider `json:"leadProvider" db:"-"`
	Functions          []string           `json:"functions" nullable:"false"`
	EntryRoutes        []string           `json:"entryRoutes" nullable:"false" doc:"Routes that the service makes known. A referral by any other is taken too."`
	MinimumAge         *int32             `json:"minimumAge,omitempty" doc:"In years. A referral of anyone younger is taken and sent on."`
	MaximumAge         *int32             `json:"maximumAge,omitempty" doc:"In years. A referral of anyone older is taken and sent on."`
	TeamTypes          []string           `json:"teamTypes" nullable:"false" doc:"National codes; they decide what the published waiting times count."`
	Settings           []string           `json:"settings" nullable:"false"`
	CoordinationLevels []string           `json:"coordinationLevels" nullable:"false"`
	Capacity           ServiceCapacity    `json:"capacity" db:"-" doc:"What the service can hold, where declared. It blocks nothing."`
	Partners           []ServicePartner   `json:"partners" nullable:"false"`
	Standards          []ServiceStandard  `json:"standards" nullable:"false" doc:"How soon what is to happen: the service's own value, or the one that applies otherwise."`
}

// ServiceCapacity is what a service can hold.
type ServiceCapacity struct {
	Caseload   *int32 `json:"caseload,omitempty"`
	KeyWorkers *int32 `json:"keyWorkers,omitempty"`
}

// ServicePartner is an organisation that the service works with.
type ServicePartner struct {
	Name    string `json:"name"`
	Sector  string `json:"sector"`
	ODSCode string `json:"odsCode,omitempty"`
}

// ServiceStandard is how soon something is to happen.
type ServiceStandard struct {
	ID     string `json:"id" doc:"The ending is the unit of the value: days, hours or months."`
	Value  int32  `json:"value"`
	Source string `json:"source" doc:"Whose standard it is."`
}

type listOutput struct {
	Body struct {
		Items []Service `json:"items" nullable:"false"`
	}
}

type row struct {
	Service
	LeadProviderODSCode string `db:"lead_provider_ods_code"`
	LeadProviderName    string
	CaseloadCapacity    *int32
	KeyWorkerCapacity   *int32
}

func list(ctx context.Context, tx *store.Tx, _ *struct{}) (*listOutput, error) {
	rows, err := store.Rows[row](ctx, tx, listSQL, nil)
	if err != nil {
		return nil, fmt.Errorf("listing services: %w", err)
	}
	out := &listOutput{}
	out.Body.Items = make([]Service, len(rows))
	for i, r := range rows {
		r.LeadProvider = directory.Provider{ODSCode: r.LeadProviderODSCode, Name: r.LeadProviderName}
		r.Capacity = ServiceCapacity{Caseload: r.CaseloadCapacity, KeyWorkers: r.KeyWorkerCapacity}
		out.Body.Items[i] = r.Service
	}
	return out, nil
}

// Named is what other subjects need of a service.
type Named struct {
	ID    uuid.UUID
	Name  string
	State directory.ServiceState
}

// ByName finds a service of the directory.
func ByName(ctx context.Context, tx *store.Tx, name string) (service Named, found bool, err error) {
	service, found, err = store.One[Named](ctx, tx, byNameSQL, pgx.NamedArgs{"name": name})
	if err != nil {
		return Named{}, false, fmt.Errorf("looking up a service: %w", err)
	}
	return service, found, nil
}

// Default finds the open service that receives people for whom nobody names one, if the ICS has any.
func Default(ctx context.Context, tx *store.Tx) (service Named, found bool, err error) {
	service, found, err = store.One[Named](ctx, tx, defaultSQL, nil)
	if err != nil {
		return Named{}, false, fmt.Errorf("looking up the default receiving service: %w", err)
	}
	return service, found, nil
}

// Fitting finds the service to which a person of an age is best sent on when the one that was named is not for that age: one that
// is, alike and near, else the default receiving service, and never the one that sends the person. None is found when the age fits,
// or when there is no other.
func Fitting(ctx context.Context, tx *store.Tx, named, sender uuid.UUID, age int) (service Named, found bool, err error) {
	service, found, err = store.One[Named](ctx, tx, fittingSQL, pgx.NamedArgs{"named": named, "sender": sender, "age": age})
	if err != nil {
		return Named{}, false, fmt.Errorf("looking for a service for an age: %w", err)
	}
	return service, found, nil
}

// Own gives the ids of the caller's services, or of the one named; at is where the name stands in the request.
func Own(ctx context.Context, tx *store.Tx, at, name string) ([]uuid.UUID, error) {
	if name == "" {
		return append([]uuid.UUID{}, tx.Services...), nil
	}
	service, found, err := ByName(ctx, tx, name)
	if err != nil {
		return nil, err
	}
	if !found || !tx.Serves(service.ID) {
		return nil, problem.InvalidField(at, "name one of your own services")
	}
	return []uuid.UUID{service.ID}, nil
}
