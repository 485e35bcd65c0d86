// Package referrals is the subject of people being sent, or coming, to a service: receiving a referral by any route and
// accepting it, which opens an episode. A referral is never simply rejected.
package referrals

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/insert.sql
	insertSQL string
	//go:embed sql/by_id.sql
	byIDSQL string
	//go:embed sql/list.sql
	listSQL string
	//go:embed sql/accept.sql
	acceptSQL string
	//go:embed sql/lock.sql
	lockSQL string
)

// Referral is a referral as callers see it.
type Referral struct {
	ID                 uuid.UUID  `json:"id" format:"uuid"`
	PersonID           uuid.UUID  `json:"personId" format:"uuid"`
	Service            string     `json:"service" doc:"The service the person is referred to."`
	ResponsibleService string     `json:"responsibleService" doc:"The service that is responsible for the person's referral now: the sender until acceptance, where a service sent the person on."`
	Route              string     `json:"route"`
	Reason             string     `json:"reason"`
	ReceivedOn         string     `json:"receivedOn" format:"date"`
	State              string     `json:"state" enum:"Open,Accepted,Died"`
	RecordedAt         time.Time  `json:"recordedAt"`
	EpisodeID          *uuid.UUID `json:"episodeId,omitempty" format:"uuid"`
	OutcomeAt          *time.Time `json:"outcomeAt,omitempty"`
}

type row struct {
	Referral
	ServiceID uuid.UUID
}

func visible(ctx context.Context, tx *store.Tx, id uuid.UUID) (row, error) {
	found, ok, err := store.One[row](ctx, tx, byIDSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return row{}, fmt.Errorf("reading a referral: %w", err)
	}
	if !ok {
		return row{}, problem.New(problem.NotFound, "There is no such referral, or none of your services may see it.")
	}
	tx.About(store.Concern{Person: found.PersonID, Resource: id})
	return found, nil
}
