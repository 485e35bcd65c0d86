package audit

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

// Register adds the subject's operation.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/audit/verification", Operation: access.VerifyAudit, Tag: "audit",
		Summary:     "Verify the sealed audit trail",
		Description: "Recomputes the hashes of sealed batches and tells what does not match: rows that were edited, removed or added, and batches that were. Go on with next until there is none. Compare head with the heads that your log collector keeps, or run `coordination-api verify-audit --heads`: only they show that the end of the trail was cut off.",
	}, verification)
}

type verificationInput struct {
	From    int64 `query:"from" minimum:"1" default:"1" doc:"Number of the first batch to verify; next of an earlier answer."`
	Batches int64 `query:"batches" minimum:"1" maximum:"100" default:"50" doc:"How many batches to verify at most."`
}

type headAnswer struct {
	Batch    int64     `json:"batch"`
	LastID   int64     `json:"lastId" doc:"Id of the last row that it covers."`
	Hash     string    `json:"hash" doc:"SHA-256 in hexadecimal."`
	SealedAt time.Time `json:"sealedAt"`
}

type verificationOutput struct {
	Body struct {
		Batches      int64       `json:"batches" doc:"How many batches were verified now."`
		Rows         int64       `json:"rows" doc:"How many rows they hold."`
		Findings     []Finding   `json:"findings" nullable:"false" doc:"What does not match. None is good."`
		Head         *headAnswer `json:"head,omitempty" doc:"The newest batch that was verified now."`
		UnsealedRows int64       `json:"unsealedRows" doc:"Rows after the newest batch, which wait for their seal."`
		Next         *int64      `json:"next,omitempty" doc:"Send it as from to go on."`
	}
}

func verification(ctx context.Context, tx *store.Tx, in *verificationInput) (*verificationOutput, error) {
	v := &Verification{}
	more, err := verify(ctx, tx, v, in.From, in.Batches)
	if err != nil {
		return nil, err
	}
	out := &verificationOutput{}
	if err := tx.QueryRow(ctx, unsealedSQL).Scan(&out.Body.UnsealedRows); err != nil {
		return nil, fmt.Errorf("counting unsealed audit rows: %w", err)
	}
	out.Body.Batches, out.Body.Rows, out.Body.Findings = v.Batches, v.Rows, v.Findings
	if out.Body.Findings == nil {
		out.Body.Findings = []Finding{}
	}
	if v.Batches > 0 {
		out.Body.Head = &headAnswer{Batch: v.Last.Number, LastID: v.Last.LastID, Hash: hex.EncodeToString(v.Last.Hash[:]), SealedAt: v.Last.SealedAt}
	}
	if more {
		next := v.Last.Number + 1
		out.Body.Next = &next
	}
	return out, nil
}
