package audit

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cmhf/operator/internal/coordination/store"
)

// ErrFindings says that the trail is not what was sealed.
var ErrFindings = errors.New("the audit trail is not what was sealed")

// options of `coordination-api verify-audit`.
type options struct {
	heads, publicKey string
	// connection is a URL or empty for the PG* variables.
	connection string
}

// Command runs `coordination-api verify-audit`: it verifies the whole trail, as the app role, and prints what it found. The error is
// ErrFindings when something does not match.
func Command(ctx context.Context, connection string, args []string, out io.Writer) error {
	o := options{connection: connection}
	flags := flag.NewFlagSet("verify-audit", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.heads, "heads", "", "file with the heads that were exported: the API's output as a log collector keeps it, one JSON object a line")
	flags.StringVar(&o.publicKey, "public-key", "", "file with the Ed25519 public key (PEM) that must have signed every head")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("reading the flags of verify-audit: %w", err)
	}
	if flags.NArg() > 0 {
		return errors.New("usage: coordination-api verify-audit [--heads FILE] [--public-key FILE]")
	}
	if o.publicKey != "" && o.heads == "" {
		return errors.New("--public-key checks who signed the exported heads: give the file with the heads too, with --heads")
	}
	return o.run(ctx, out)
}

func (o options) run(ctx context.Context, out io.Writer) error {
	v := &Verification{}
	heads, err := o.expect(v)
	if err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, o.connection)
	if err != nil {
		return fmt.Errorf("opening the database (PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE): %s", store.Describe(err))
	}
	defer pool.Close()
	if err := whole(ctx, pool, v); err != nil {
		return fmt.Errorf("verifying the audit trail: %s", store.Describe(err))
	}
	var unsealed int64
	if err := pool.QueryRow(ctx, unsealedSQL).Scan(&unsealed); err != nil {
		return fmt.Errorf("counting unsealed audit rows: %s", store.Describe(err))
	}
	for _, f := range v.Findings {
		fmt.Fprintf(out, "batch %d: %s: %s\n", f.Batch, f.What, f.Detail)
	}
	fmt.Fprintf(out, "%d batches with %d rows verified against %d exported heads; %d rows wait for their seal\n", v.Batches, v.Rows, heads, unsealed)
	if v.Batches > 0 {
		fmt.Fprintf(out, "head: batch %d, last id %d, %s, sealed %s\n", v.Last.Number, v.Last.LastID, hex.EncodeToString(v.Last.Hash[:]), v.Last.SealedAt.UTC().Format(timeForm))
	}
	if heads == 0 {
		fmt.Fprintln(out, "without exported heads nobody can tell whether the end of the trail was cut off: give --heads")
	}
	if n := len(v.Findings); n > 0 {
		return fmt.Errorf("%w: %d findings", ErrFindings, n)
	}
	return nil
}

// expect reads the exported heads, if there are any, and checks their signatures.
func (o options) expect(v *Verification) (heads int, err error) {
	if o.heads == "" {
		return 0, nil
	}
	file, err := os.Open(o.heads)
	if err != nil {
		return 0, fmt.Errorf("opening the exported heads: %w", err)
	}
	defer file.Close()
	read, err := ReadHeads(file)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", o.heads, err)
	}
	if len(read) == 0 {
		return 0, fmt.Errorf("%s holds no audit head", o.heads)
	}
	var key ed25519.PublicKey
	if o.publicKey != "" {
		if key, err = ReadPublicKey(o.publicKey); err != nil {
			return 0, err
		}
	}
	for _, h := range read {
		if key != nil && !h.SignedBy(key) {
			v.find(h.Batch, HeadForged, "the head is not signed by the key %s", keyID(key))
		}
	}
	v.Expect(read)
	return len(read), nil
}

// whole verifies every batch.
func whole(ctx context.Context, q querier, v *Verification) error {
	const atOnce = 100
	for from := int64(1); ; from = v.Last.Number + 1 {
		more, err := verify(ctx, q, v, from, atOnce)
		if err != nil {
			return err
		}
		if !more {
			v.Finish()
			return nil
		}
	}
}
