package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/problem"
)

var (
	//go:embed sql/key_claim.sql
	keyClaimSQL string
	//go:embed sql/key_read.sql
	keyReadSQL string
	//go:embed sql/key_answer.sql
	keyAnswerSQL string
	//go:embed sql/expire_keys.sql
	expireKeysSQL string
)

// Once runs work at most once per key of the caller, until the key is removed: a repetition gets the first answer, and the key with
// another request, for other services or by another client is refused: the first answer may show what is not theirs to see. Key, work and answer commit together, so whoever got no answer can safely ask again.
// An empty key means that the caller does not ask for this.
func Once[Request, Answer any](ctx context.Context, tx *Tx, key string, request Request, work func() (*Answer, error)) (*Answer, error) {
	if key == "" {
		return work()
	}
	services := slices.SortedFunc(slices.Values(tx.Services), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	raw, err := json.Marshal(struct {
		Request  Request
		Services []uuid.UUID
		Client   string
		// Organisation of a partner's practitioner, who may work for several.
		Organisation string `json:",omitempty"`
	}{request, services, tx.Caller.Client, tx.organisation()})
	if err != nil {
		return nil, fmt.Errorf("encoding the request for its idempotency key: %w", err)
	}
	hash := sha256.Sum256(raw)
	args := pgx.NamedArgs{"operation": tx.operation, "key": key, "hash": hash[:]}
	var claimed bool
	err = tx.QueryRow(ctx, keyClaimSQL, args).Scan(&claimed)
	if errors.Is(err, pgx.ErrNoRows) {
		return repeat[Answer](ctx, tx, args, hash)
	}
	if err != nil {
		return nil, fmt.Errorf("claiming an idempotency key: %w", err)
	}
	answer, err := work()
	if err != nil {
		return nil, err
	}
	kept := keptAnswer[Answer]{Answer: answer, People: tx.touched.people, Resources: tx.touched.resources}
	if args["answer"], err = json.Marshal(kept); err != nil {
		return nil, fmt.Errorf("encoding the answer for its idempotency key: %w", err)
	}
	if _, err := tx.Exec(ctx, keyAnswerSQL, args); err != nil {
		return nil, fmt.Errorf("keeping the answer of an idempotency key: %w", err)
	}
	return answer, nil
}

func repeat[Answer any](ctx context.Context, tx *Tx, args pgx.NamedArgs, hash [sha256.Size]byte) (*Answer, error) {
	var heldHash, raw []byte
	if err := tx.QueryRow(ctx, keyReadSQL, args).Scan(&heldHash, &raw); err != nil {
		return nil, fmt.Errorf("reading an idempotency key: %w", err)
	}
	if [sha256.Size]byte(heldHash) != hash {
		return nil, problem.New(problem.KeyReused, "This Idempotency-Key came with another request, for other services or from another client before.")
	}
	var kept keptAnswer[Answer]
	if err := json.Unmarshal(raw, &kept); err != nil {
		return nil, fmt.Errorf("decoding the kept answer: %w", err)
	}
	tx.touched = touched{people: kept.People, resources: kept.Resources}
	return kept.Answer, nil
}

// keptAnswer is an answer with the people in it, who are audited again when it is given again.
type keptAnswer[Answer any] struct {
	Answer    *Answer      `json:"answer"`
	People    []*uuid.UUID `json:"people"`
	Resources []*uuid.UUID `json:"resources"`
}

// ExpireKeys notes that records can be changed in this hour, and removes the keys that are older than 24 of such hours. Nothing else
// frees a key. Call it once an hour.
func (s *Store) ExpireKeys(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, expireKeysSQL)
	return err
}
