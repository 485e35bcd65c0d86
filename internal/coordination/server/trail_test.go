package server_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cmhf/operator/internal/coordination/audit"
)

const insertAudit = "INSERT INTO audit_events (request_id, subject, client, role, services, purpose, operation, outcome) VALUES ($1, 'test-subject', 'x', 'x', '{}', 'x', 'x', 'Done')"

// seal seals everything that has been written and gives the heads as a log has them.
func (s *system) seal(key ed25519.PrivateKey) string {
	s.t.Helper()
	var heads bytes.Buffer
	sealer := audit.Sealer{Pool: s.pool(), ODSCode: "QOP", Key: key, Heads: &heads}
	if err := sealer.Round(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return heads.String()
}

// tamper changes the database as somebody does who has become its owner and switched the guards off.
func (s *system) tamper(statements ...string) {
	s.t.Helper()
	owner := s.owner()
	for _, statement := range append([]string{"ALTER TABLE audit_events DISABLE TRIGGER USER", "ALTER TABLE audit_batches DISABLE TRIGGER USER"}, statements...) {
		if _, err := owner.Exec(s.t.Context(), statement); err != nil {
			s.t.Fatal(err)
		}
	}
}

func findings(t *testing.T, auditor caller) (what []string) {
	t.Helper()
	for next := any(float64(1)); next != nil; {
		body := auditor.get(fmt.Sprintf("/v1/audit/verification?batches=1&from=%.0f", next)).want(http.StatusOK)
		for _, f := range body["findings"].([]any) {
			what = append(what, f.(object)["what"].(string))
		}
		next = body["next"]
	}
	return what
}

// The auditor sees that the trail is as it was sealed, and what is not.
func TestAuditVerification(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change []string
		want   string
	}{
		"nothing":         {nil, ""},
		"an edit":         {[]string{"UPDATE audit_events SET subject = 'somebody else' WHERE id = 2"}, "RowsDiffer"},
		"an organisation": {[]string{"UPDATE audit_events SET organisation = 'A81001' WHERE id = 2"}, "RowsDiffer"},
		"a deletion":      {[]string{"DELETE FROM audit_events WHERE id = 2"}, "RowsDiffer"},
		"an insertion":    {[]string{"INSERT INTO audit_events OVERRIDING SYSTEM VALUE SELECT 0, at, 'r', subject, client, role, services, purpose, operation, outcome, problem, person_id, resource_id FROM audit_events WHERE id = 1"}, "RowsDiffer"},
		"an exchange":     {[]string{"UPDATE audit_events a SET subject = b.subject, operation = b.operation FROM audit_events b WHERE a.id IN (1, 4) AND b.id IN (1, 4) AND a.id <> b.id"}, "RowsDiffer"},
		"an emptied one":  {[]string{"TRUNCATE audit_events"}, "RowsDiffer"},
		"a batch altered": {[]string{"UPDATE audit_batches SET sealed_at = sealed_at - interval '1 day' WHERE number = 1"}, "BatchAltered"},
		"a batch gone":    {[]string{"DELETE FROM audit_batches WHERE number = 1"}, "ChainBroken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startWithDirectory(t)
			s.t = t
			s.as("practitioner", "north").refer("north", person("9990000018", "Example"))
			s.as("practitioner", "south").get("/v1/referrals").want(http.StatusOK)
			s.seal(nil)
			s.with(object{"roles": []string{"practitioner"}, "services": []string{"north"}, "sub": "another"}).get("/v1/referrals").want(http.StatusOK)
			s.as("practitioner", "north").get("/v1/episodes").want(http.StatusOK)
			s.seal(nil)
			s.as("practitioner", "north").get("/v1/episodes").want(http.StatusOK)
			auditor := s.as("auditor")
			first := auditor.get("/v1/audit/verification").want(http.StatusOK)
			if first["batches"] != 2.0 || first["rows"] != 4.0 || first["unsealedRows"] != 1.0 || first["head"].(object)["batch"] != 2.0 {
				t.Fatalf("before the change: %v", first)
			}
			if test.change != nil {
				s.tamper(test.change...)
			}
			found := findings(t, auditor)
			if (test.want == "") != (len(found) == 0) || !strings.Contains(strings.Join(found, " "), test.want) {
				t.Errorf("found %v, want %q", found, test.want)
			}
		})
	}
}

func TestAuditVerificationBadInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	for query, field := range map[string]string{"from=0": "query.from", "from=x": "query.from", "batches=101": "query.batches", "batches=0": "query.batches", "form=1": "query"} {
		a := s.as("auditor").get("/v1/audit/verification?" + query)
		body := a.refused(http.StatusUnprocessableEntity, "invalid-request")
		if at := body["errors"].([]any)[0].(object)["location"].(string); !strings.HasPrefix(at, field) {
			t.Errorf("%s: the error is at %s", query, at)
		}
	}
	if body := s.as("auditor").get("/v1/audit/verification?from=9000000000").want(http.StatusOK); body["batches"] != 0.0 {
		t.Errorf("batches after the last: %v", body)
	}
}

// verify-audit with the exported heads finds a trail that was cut or made anew, and heads that the key did not sign.
func TestVerifyAuditCommand(t *testing.T) {
	t.Parallel()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := startWithDirectory(t)
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	raw, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	publicKey := write("key.pub", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: raw})))
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := audit.Command(t.Context(), s.database.AppURL, args, &out)
		return out.String(), err
	}
	wants := func(what string, args ...string) {
		t.Helper()
		out, err := run(args...)
		if what == "" && err != nil || what != "" && (!errors.Is(err, audit.ErrFindings) || !strings.Contains(out, what)) {
			t.Errorf("want %q, got %v:\n%s", what, err, out)
		}
	}

	north := s.as("practitioner", "north")
	wants("") // nothing is sealed yet
	north.get("/v1/referrals").want(http.StatusOK)
	log := s.seal(key)
	north.get("/v1/referrals").want(http.StatusOK)
	log += s.seal(key)
	if strings.Count(log, "\n") != 2 {
		t.Fatalf("the heads of two batches: %s", log)
	}
	heads := write("heads", `{"msg":"request"}`+"\n"+log)
	wants("")
	wants("", "--heads", heads, "--public-key", publicKey)
	wants("HeadForged", "--heads", write("forged", strings.Replace(log, `"QOP"`, `"QSL"`, 1)), "--public-key", publicKey)
	if _, err := run("--heads", write("none", "nothing here\n")); err == nil {
		t.Error("a file without heads was taken for heads")
	}
	// The newest head is cut short: without an error, the end of the trail would go unwatched.
	if out, err := run("--heads", write("short", log[:len(log)-9])); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a head that is cut short: %v\n%s", err, out)
	}
	if out, err := run("--public-key", publicKey); err == nil || !strings.Contains(err.Error(), "--heads") || out != "" {
		t.Errorf("a key without heads: %v\n%s", err, out)
	}
	s.tamper("DELETE FROM audit_events WHERE id = 2", "DELETE FROM audit_batches WHERE number = 2")
	wants("") // nobody can tell from the database alone
	wants("Truncated", "--heads", heads, "--public-key", publicKey)
	s.seal(nil)
	north.get("/v1/episodes").want(http.StatusOK)
	s.seal(nil)
	wants("HeadDiffers", "--heads", heads)
}

// A row whose transaction commits late although its id is lower than that of a sealed row would be missing from its batch: sealing
// waits for it.
func TestSealingWaitsForOlderWriters(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	app := s.app("test-subject", "north")
	late, err := app.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.Exec(t.Context(), insertAudit, "late"); err != nil {
		t.Fatal(err)
	}
	s.as("practitioner", "north").get("/v1/referrals").want(http.StatusOK)
	pool := s.pool()
	sealer := audit.Sealer{Pool: pool, ODSCode: "QOP", Heads: &bytes.Buffer{}}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := sealer.Round(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("sealing went on past a writer that is not done: %v", err)
	}
	if n := s.count("SELECT count(*) FROM audit_batches"); n != 0 {
		t.Fatalf("%d batches were sealed", n)
	}
	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := sealer.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := s.count("SELECT row_count FROM audit_batches WHERE number = 1"); n != 2 {
		t.Errorf("%d rows were sealed, want both", n)
	}
}

// counter is where heads go when only their number matters.
type counter struct{ atomic.Int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.Add(1)
	return len(p), nil
}

// Many writers commit and give up in any order, without a pause, while two replicas seal: sealing gets on beside them, and in the end every
// row is in exactly one batch.
func TestSealingUnderLoad(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	var sealed counter
	enough, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for range 6 {
		app := s.app("test-subject", "north")
		all.Go(func() {
			for i := 0; (sealed.Load() < 10 || i < 20) && enough.Err() == nil; i++ {
				tx, err := app.Begin(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				for range rand.IntN(3) + 1 {
					if _, err := tx.Exec(t.Context(), insertAudit, fmt.Sprint(i)); err != nil {
						t.Error(err)
					}
				}
				time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond) // a transaction that takes its time
				if rand.IntN(4) == 0 {
					err = tx.Rollback(t.Context())
				} else {
					err = tx.Commit(t.Context())
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		sealer := audit.Sealer{Pool: s.pool(), ODSCode: "QOP", Heads: &sealed}
		all.Go(func() {
			for sealed.Load() < 10 && enough.Err() == nil {
				if err := sealer.Round(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := sealed.Load(); n < 10 {
		t.Errorf("only %d batches were sealed beside writers that never pause", n)
	}
	s.seal(nil)
	if rows, kept := s.count("SELECT count(*) FROM audit_events"), s.count("SELECT sum(row_count)::bigint FROM audit_batches"); rows != kept || rows < 100 {
		t.Errorf("%d of %d rows are sealed", kept, rows)
	}
	if found := findings(t, s.as("auditor")); len(found) != 0 {
		t.Errorf("the trail does not verify: %v", found)
	}
}

// The trail and its seals only grow: for the app role by its grants, for the owner by a trigger.
func TestTrailOnlyGrows(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	s.as("practitioner", "north").get("/v1/referrals").want(http.StatusOK)
	s.seal(nil)
	app, owner := s.app("test-subject", "north"), s.owner()
	for _, statement := range []string{
		"UPDATE audit_events SET subject = 'x'", "DELETE FROM audit_events", "TRUNCATE audit_events",
		"UPDATE audit_batches SET row_count = 2", "DELETE FROM audit_batches", "TRUNCATE audit_batches",
	} {
		if _, err := app.Exec(t.Context(), statement); code(err) != "42501" {
			t.Errorf("the app role: %s: %v", statement, err)
		}
		if _, err := owner.Exec(t.Context(), statement); code(err) != "CM070" {
			t.Errorf("the owner: %s: %v", statement, err)
		}
	}
	const batch = `INSERT INTO audit_batches SELECT number + %s, format, last_id + %s, last_id + 1, 1, rows_hash, %s, sha256('x'), now() FROM audit_batches`
	for name, values := range map[string][]any{"a gap": {"2", "1", "hash"}, "the same number": {"0", "1", "hash"}, "rows left out": {"1", "2", "hash"}, "another chain": {"1", "1", "rows_hash"}} {
		if _, err := app.Exec(t.Context(), fmt.Sprintf(strings.Replace(batch, "last_id + 1, 1,", "last_id + 9, 1,", 1), values...)); code(err) != "CM071" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := app.Exec(t.Context(), "SELECT * FROM audit_events"); code(err) != "42501" {
		t.Errorf("the app role reads the trail past its functions: %v", err)
	}
}

// What is not read for the seal is not protected: a new column needs a new format of the encoding.
func TestEveryColumnIsSealed(t *testing.T) {
	t.Parallel()
	s := start(t)
	const query = `SELECT count(*) FROM (
		SELECT column_name::text FROM information_schema.columns WHERE table_name = 'audit_events'
		EXCEPT SELECT unnest(proargnames[4:]) FROM pg_proc WHERE proname = 'audit_rows') missing`
	if n := s.count(query); n != 0 {
		t.Errorf("%d columns of audit_events are not sealed", n)
	}
}
