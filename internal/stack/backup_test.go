package stack

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cmhf/operator/internal/coordination/schema"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

// personal are values of every person that fill makes.
var personal = []string{"Thistlewaite", "Quil", "low' mood"}

func mustHoldNothingPersonal(t *testing.T, log string) {
	t.Helper()
	for _, value := range personal {
		if strings.Contains(log, value) {
			t.Errorf("the log holds %q:\n%s", value, log)
		}
	}
}

// A backup goes into another database and everything is there, in the words of contents.sql and for the app's own rights.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	source := migrated.New(t)
	fill(t, source, 50)
	name := k.backUp(t, source)

	folder := filepath.Join(k.volume, name)
	var manifest struct {
		Format, SchemaVersion  int
		ODSCode, Data, TakenAt string
		Server                 struct{ Version, System string }
		Tables                 []struct {
			Name, Checksum string
			Rows           int
		}
		Files []struct {
			Name, SHA256 string
			Bytes        int64
		}
	}
	raw, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		t.Fatalf("%v:\n%s", err, raw)
	}
	rows := map[string]int{}
	for _, table := range manifest.Tables {
		rows[table.Name] = table.Rows
	}
	if manifest.Format != 1 || manifest.ODSCode != "QOP" || manifest.Data != "Synthetic" || manifest.SchemaVersion < 6 || manifest.Server.System == "" ||
		rows["public.people"] != 50 || rows["public.referrals"] != 50 || len(manifest.Files) != 2 || manifest.Files[0].Bytes == 0 {
		t.Errorf("the manifest is not as expected:\n%s", raw)
	}
	if got := names(t, folder); !slices.Equal(got, []string{"SHA256SUMS", "contents.tsv", "database.dump", "manifest.json"}) {
		t.Errorf("the backup holds %v", got)
	}

	target := bare.New(t)
	run := k.restore(t, target, name)
	if code := run.wait(t); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, run.log.String())
	}
	if diff := cmp.Diff(k.contents(t, source), k.contents(t, target)); diff != "" {
		t.Errorf("the restored database differs:\n%s", diff)
	}
	app := postgres.Connect(t, target.AppURL)
	var visible int
	if err := app.QueryRow(t.Context(), "SELECT count(*) FROM people").Scan(&visible); err != nil || visible != 0 {
		t.Errorf("without a service the app sees %d people (%v), want none: row-level security did not come back", visible, err)
	}
	// Identities go on where they were, and the same backup again is no second copy.
	if _, err := postgres.Connect(t, target.OwnerURL).Exec(t.Context(),
		`INSERT INTO audit_events (request_id, subject, client, role, services, purpose, operation, outcome) VALUES ('r', 's', 'c', 'practitioner', '{}', 'p', 'o', 'Done')`); err != nil {
		t.Errorf("writing after the restore: %v", err)
	}
	again := k.restore(t, target, name)
	if code := again.wait(t); code != 0 || !strings.Contains(again.log.String(), "already") {
		t.Errorf("the second restore ended with %d:\n%s", code, again.log.String())
	}
	mustHoldNothingPersonal(t, run.log.String()+again.log.String())
}

func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// Two different contents never have the same checksum because of what they hold or in which order.
func TestContentsTellApart(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	database := migrated.New(t)
	owner := fill(t, database, 3)
	before := k.contents(t, database)
	for _, statement := range []string{
		"UPDATE people SET given_name = given_name || ' ' WHERE family_name = 'Thistlewaite1'",
		"CREATE TABLE words AS SELECT NULL::text AS word",
		"UPDATE words SET word = ''",
		"DELETE FROM matching_queue; INSERT INTO neighbourhoods VALUES ('a', 'b'), ('c', 'd')",
		"UPDATE neighbourhoods SET place = CASE name WHEN 'a' THEN 'd' ELSE 'b' END",
	} {
		if _, err := owner.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		after := k.contents(t, database)
		if after == before {
			t.Errorf("%s: not seen", statement)
		}
		before = after
	}
	if _, err := owner.Exec(t.Context(), "CREATE TABLE copy AS TABLE people; DELETE FROM people WHERE NOT EXISTS (SELECT FROM referrals r WHERE r.person_id = people.id)"); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.Exec(t.Context(), "CREATE TABLE moved AS SELECT * FROM copy ORDER BY family_name DESC"); err != nil {
		t.Fatal(err)
	}
	checksum := map[string]string{}
	for line := range strings.Lines(k.contents(t, database)) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if fields[0] == "table" {
			checksum[fields[1]] = fields[3]
		}
	}
	if checksum["public.copy"] != checksum["public.moved"] || checksum["public.copy"] == checksum["public.referrals"] {
		t.Errorf("the order of rows counts: %v", checksum)
	}
}

// A drill restores one system's backup for another: the database is then the other's, and what was backed up without a holder stays so.
func TestARestoreForAnotherSystemChangesTheHolder(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	source := migrated.New(t)
	fill(t, source, 5)
	name := k.backUp(t, source)
	if _, err := postgres.Connect(t, source.OwnerURL).Exec(t.Context(), "UPDATE schema_info SET ods_code = NULL, data = NULL"); err != nil {
		t.Fatal(err)
	}
	silent := k.backUp(t, source)
	// Version 7 is the last one that does not say whose records it holds.
	early := bare.New(t)
	migrateTo(t, early, 7)
	fill(t, early, 5)
	older := k.backUp(t, early)
	settings := func(odsCode string, synthetic bool) schema.Settings {
		return schema.Settings{Holder: schema.Holder{ODSCode: odsCode, Synthetic: synthetic}, ExpectData: true}
	}
	for _, backup := range []string{name, silent, older} {
		drill := *k
		drill.environment = maps.Clone(k.environment)
		drill.environment["CMHF_ODS_CODE"], drill.environment["CMHF_BACKUP_ODS_CODE"] = "QSL", "QOP"
		target := bare.New(t)
		run := drill.restore(t, target, backup)
		if code := run.wait(t); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, run.log.String())
		}
		if err := schema.Migrate(t.Context(), target.OwnerURL, settings("QSL", true)); err != nil {
			t.Errorf("%s: migrating for the system of the drill: %v", backup, err)
		}
		for _, other := range []schema.Settings{settings("QOP", true), settings("QSL", false)} {
			if err := schema.Migrate(t.Context(), target.OwnerURL, other); !errors.Is(err, schema.ErrAnotherHolder) {
				t.Errorf("%s: migrating for %+v: %v", backup, other.Holder, err)
			}
		}
	}
}
