// Package statistics is the subject of figures about the whole ICS: the same for every caller, suppressed so that nobody
// can be recognised in them. Callers of these operations need not, and mostly may not, see any person.
package statistics

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

//go:embed sql/at_a_glance.sql
var atAGlanceSQL string

// ICS says whose figures these are.
type ICS struct {
	ODSCode string `json:"odsCode" example:"QOP"`
	Name    string `json:"name"`
}

// Register adds the subject's operations. synthetic says that the data are made up.
func Register(a *rest.API, ics ICS, synthetic bool) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/statistics/at-a-glance", Operation: access.ReadAtAGlance, Tag: "statistics",
		Summary: "Read the ICS's key figures", Description: "The twelve months up to today. " + Rule,
	}, func(ctx context.Context, tx *store.Tx, _ *struct{}) (*output, error) {
		glance, err := read(ctx, tx, time.Now())
		if err != nil {
			return nil, err
		}
		glance.ICS, glance.Synthetic = ics, synthetic
		return &output{glance}, nil
	})
}

type output struct{ Body AtAGlance }

// AtAGlance is the answer.
type AtAGlance struct {
	ICS         ICS       `json:"ics"`
	Synthetic   bool      `json:"synthetic" doc:"The data are made up."`
	GeneratedAt time.Time `json:"generatedAt"`
	Period      Period    `json:"period"`
	Rule        string    `json:"rule"`
	Tiles       []Tile    `json:"tiles" nullable:"false"`
}

// Period is first and last day.
type Period struct {
	From  string `json:"from" format:"date"`
	To    string `json:"to" format:"date"`
	Label string `json:"label" example:"12 months to 21 November 2026"`
}

// Tile is one figure.
type Tile struct {
	ID          string `json:"id" example:"people-referred"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Figure
	Unit string `json:"unit" example:"people"`
}

func read(ctx context.Context, tx *store.Tx, now time.Time) (AtAGlance, error) {
	to := london.Today(now)
	from := to.AddDate(-1, 0, 1)
	type counts struct{ PeopleReferred, Waiting, OpenEpisodes, SupportedClosures *int64 }
	c, _, err := store.One[counts](ctx, tx, atAGlanceSQL, pgx.NamedArgs{"from": from, "to": to}) // no row: all are missing
	if err != nil {
		return AtAGlance{}, fmt.Errorf("counting for at a glance: %w", err)
	}
	return AtAGlance{
		GeneratedAt: now.UTC().Truncate(time.Second), Rule: Rule,
		Period: Period{From: from.Format(time.DateOnly), To: to.Format(time.DateOnly), Label: "12 months to " + to.Format("2 January 2006")},
		Tiles: []Tile{
			{"people-referred", "People referred", "People with a referral received in the period, by any route, including their own.", suppress(c.PeopleReferred), "people"},
			{"waiting", "Waiting", "Referrals open now that no service has accepted yet.", suppress(c.Waiting), "referrals"},
			{"open-episodes", "People supported now", "People with an open episode of care whose death is not recorded.", suppress(c.OpenEpisodes), "people"},
			{"supported-closures", "Endings with support", "Episodes closed in the period with support accepted by a receiver, or by the person's own choice.", suppress(c.SupportedClosures), "episodes"},
		},
	}, nil
}
