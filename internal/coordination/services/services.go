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
	ID             uuid.UUID          `json:"id" format:"uuid"`
	Name           string             `json:"name" doc:"The name by which tokens and referrals mean the service."`
	DisplayName    string             `json:"displayName"`
	State          string             `json:"state" enum:"Open,Closing"`
	Place          string             `json:"place"`
	Neighbourhoods []string           `json:"neighbourhoods" nullable:"false"`
	LeadProvider   directory.Provider `json:"leadProvider"`
	Functions      []string           `json:"functions" nullable:"false"`
}

type listOutput struct {
	Body struct {
		Items []Service `json:"items" nullable:"false"`
	}
}

func list(ctx context.Context, tx *store.Tx, _ *struct{}) (*listOutput, error) {
	type row struct {
		ID                              uuid.UUID
		Name, DisplayName, State, Place string
		Neighbourhoods, Functions       []string
		LeadProviderODSCode             string `db:"lead_provider_ods_code"`
		LeadProviderName                string
	}
	rows, err := store.Rows[row](ctx, tx, listSQL, nil)
	if err != nil {
		return nil, fmt.Errorf("listing services: %w", err)
	}
	out := &listOutput{}
	out.Body.Items = make([]Service, len(rows))
	for i, r := range rows {
		out.Body.Items[i] = Service{
			ID: r.ID, Name: r.Name, DisplayName: r.DisplayName, State: r.State, Place: r.Place, Neighbourhoods: r.Neighbourhoods,
			LeadProvider: directory.Provider{ODSCode: r.LeadProviderODSCode, Name: r.LeadProviderName}, Functions: r.Functions,
		}
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
