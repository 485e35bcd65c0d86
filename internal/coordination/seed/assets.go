package seed

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// offered is what the communities of every neighbourhood have in the invented system.
var offered = []struct {
	name, kind string
	tier       int
}{
	{"Invented allotment group", "Nature", 4}, {"Invented peer support evening", "PeerSupport", 4}, {"Invented advice desk", "FinancialInclusion", 1},
	{"Invented walking football", "PhysicalActivity", 5}, {"Invented open studio", "Arts", 4},
}

// writeAssets makes what people are put in touch with. A second time it changes nothing.
func (r *run) writeAssets(ctx context.Context, conn *pgx.Conn) error {
	d := diceOf(r.Seed, -1)
	var batch pgx.Batch
	for _, neighbourhood := range r.directory.neighbourhoods {
		for _, o := range offered {
			id := d.newID(r.first)
			r.directory.assets = append(r.directory.assets, id)
			batch.Queue(`INSERT INTO assets (id, name, kind, tier, place, neighbourhood, contact, recorded_by, recorded_at)
				VALUES ($1, $2, $3, $4, $5, $6, 'Come along: it is invented, and so is this address.', $7, $8) ON CONFLICT (id) DO NOTHING`,
				id, o.name+" of "+neighbourhood, o.kind, o.tier, r.directory.places[neighbourhood], neighbourhood, subject, closeOfDay(r.first))
		}
	}
	if err := conn.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("writing what the communities offer: %w", err)
	}
	return nil
}
