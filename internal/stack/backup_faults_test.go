package stack

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/testkit/postgres"
)

// A run that is cut off anywhere leaves nothing with the name of a backup, and the next clears what it left.
func TestBackupIsCutOff(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	database := migrated.New(t)
	fill(t, database, 20)
	for _, mark := range []string{"dumping the database", "restoring it into a throwaway server", "restore: restoring the backup"} {
		run := k.start(t, database, "backup.sh")
		run.await(t, mark)
		run.kill()
		run.wait(t)
		if made := k.backups(t); len(made) > 0 {
			t.Fatalf("cut off while %q, it made %v", mark, made)
		}
	}
	name := k.backUp(t, database)
	if got := k.everything(t); !slices.Equal(got, []string{".lock", name}) {
		t.Errorf("after the next run the volume holds %v", got)
	}
	if _, err := os.Stat(filepath.Join(k.volume, name, "scratch")); err == nil {
		t.Error("the throwaway server's data were kept")
	}
}

// Two runs at once make two backups, one after the other.
func TestBackupsAtOnce(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	database := migrated.New(t)
	fill(t, database, 5)
	first := k.start(t, database, "backup.sh")
	first.await(t, "dumping the database")
	second := k.start(t, database, "backup.sh")
	second.await(t, "another run is at work")
	for _, run := range []*job{first, second} {
		if code := run.wait(t); code != 0 {
			t.Errorf("exit code %d:\n%s", code, run.log.String())
		}
	}
	if made := k.backups(t); len(made) != 2 {
		t.Errorf("two runs made %v", made)
	}
}

// The server goes away while it is read.
func TestBackupLosesTheServer(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	database := migrated.New(t)
	owner := fill(t, database, 5)
	tx, err := owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE people IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	run := k.start(t, database, "backup.sh")
	waitsFor := func(query string) {
		t.Helper()
		for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			var waiting bool
			if err := tx.QueryRow(t.Context(), query).Scan(&waiting); err != nil {
				t.Fatal(err)
			}
			if waiting {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("nobody waits for the lock:\n%s", run.log.String())
			}
		}
	}
	waitsFor("SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'people'::regclass AND NOT granted)")
	database.Terminate(t)
	run.fails(t, "reading the database failed: no backup was made")
	if made := k.backups(t); len(made) > 0 {
		t.Errorf("it made %v", made)
	}
	mustHoldNothingPersonal(t, run.log.String())
}

// A volume that fills up fails the run, whatever it was doing, and earlier backups stay whole.
func TestBackupFillsTheVolume(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small volume")
	}
	k := newKeeper(t)
	database := migrated.New(t)
	owner := fill(t, database, 5)
	if _, err := owner.Exec(t.Context(), "CREATE TABLE ballast AS SELECT gen_random_uuid() AS noise FROM generate_series(1, 100000)"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ size, want string }{
		{"1m", "pg_dump failed"},
		{"20m", "the throwaway server could not be made"},
		{"46m", "the backup is not verified and was discarded"},
	} {
		t.Run(test.size, func(t *testing.T) {
			small := *k
			small.volume = filepath.Join(k.sockets, "small-"+test.size)
			if err := os.Mkdir(small.volume, 0o755); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+test.size, "tmpfs", small.volume).CombinedOutput(); err != nil {
				t.Skipf("this machine lets nobody mount: %v: %s", err, out)
			}
			t.Cleanup(func() { _ = syscall.Unmount(small.volume, syscall.MNT_DETACH) })
			who := unprivileged(t)
			if err := os.Chown(small.volume, int(who.Uid), int(who.Gid)); err != nil {
				t.Fatal(err)
			}
			earlier := filepath.Join(small.volume, "20260101T000000Z")
			if err := os.Mkdir(earlier, 0o700); err != nil {
				t.Fatal(err)
			}
			run := small.start(t, database, "backup.sh")
			run.fails(t, test.want)
			if left := small.everything(t); !slices.Equal(left, []string{".lock", "20260101T000000Z"}) {
				t.Errorf("the volume holds %v, want the earlier backup only", left)
			}
		})
	}
}

// A database whose dump can't be restored is found out at once, not on the day of the restore; the row that failed is not printed.
func TestBackupThatCanNotBeRestored(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	database := migrated.New(t)
	owner := fill(t, database, 5)
	for _, statement := range []string{
		"CREATE TABLE limits (n int)", "INSERT INTO limits VALUES (1)",
		"CREATE FUNCTION below(text) RETURNS boolean LANGUAGE sql AS 'SELECT length($1) < 100 * (SELECT max(n) FROM limits)'",
		"CREATE TABLE limited (name text CHECK (below(name)))", "INSERT INTO limited VALUES ('Thistlewaite')",
	} {
		if _, err := owner.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	run := k.start(t, database, "backup.sh")
	run.fails(t, "restoring the backup failed: the database refused the backup")
	mustHoldNothingPersonal(t, run.log.String())
	if made := k.backups(t); len(made) > 0 {
		t.Errorf("it made %v", made)
	}
}

func TestBackupNeedsADatabaseInUse(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	k.start(t, bare.New(t), "backup.sh").fails(t, "the database has no schema yet")
	gone := &postgres.Database{Name: "cmhf", Host: filepath.Join(k.sockets, "nowhere")}
	if err := os.Remove(k.report); err != nil {
		t.Fatal(err)
	}
	k.start(t, gone, "backup.sh").fails(t, "does not answer: no backup was made")
}

// A server of a later major version than the programs can't be backed up, and it is said in plain words, before anything is read.
func TestBackupNeedsAServerThatItKnows(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	database := migrated.New(t)
	v := newVolume(t)
	v.write(t, filepath.Join(v.config, "pg_dump"), "#!/bin/sh\necho 'pg_dump (PostgreSQL) 14.20 (Debian 14.20-1)'\n")
	if err := os.Chmod(filepath.Join(v.config, "pg_dump"), 0o755); err != nil {
		t.Fatal(err)
	}
	k.environment["PATH"] = v.config + ":" + k.environment["PATH"]
	k.start(t, database, "backup.sh").fails(t, "the database is PostgreSQL 15 and this image brings the programs of PostgreSQL 14, which can't back up a later version: no backup was made")
	if made := k.backups(t); len(made) > 0 {
		t.Errorf("it made %v", made)
	}
}

// Old backups go when a newer one is verified, not before; those of an earlier server stay until a person removes them.
func TestBackupRetention(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	database := migrated.New(t)
	fill(t, database, 5)
	newest := k.backUp(t, database)
	copyOf := func(name string, days int, system bool) string {
		old := time.Now().UTC().AddDate(0, 0, -days).Format("20060102T150405Z")
		if out, err := exec.Command("cp", "--recursive", "--preserve", filepath.Join(k.volume, name), filepath.Join(k.volume, old)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if !system {
			rewrite(t, filepath.Join(k.volume, old, "manifest.json"), `"system": "`, `"system": "9`)
		}
		return old
	}
	young, old, older, foreign := copyOf(newest, 13, true), copyOf(newest, 15, true), copyOf(newest, 400, true), copyOf(newest, 300, false)

	k.environment["CMHF_SYNTHETIC"] = "perhaps"
	k.start(t, database, "backup.sh").fails(t, "neither true nor false")
	if got := k.backups(t); !slices.Contains(got, old) || !slices.Contains(got, older) {
		t.Fatalf("a run that failed removed backups; there are %v", got)
	}
	k.environment["CMHF_SYNTHETIC"] = "true"
	run := k.start(t, database, "backup.sh")
	if code := run.wait(t); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, run.log.String())
	}
	got := k.backups(t)
	if len(got) != 4 || slices.Contains(got, old) || slices.Contains(got, older) || !slices.Contains(got, young) || !slices.Contains(got, foreign) || !slices.Contains(got, newest) {
		t.Errorf("there are %v; want all but %s and %s, and a new one", got, old, older)
	}
	if !strings.Contains(run.log.String(), foreign+" is older than 14 days and of an earlier server: kept") {
		t.Errorf("the log does not tell of the one that is kept:\n%s", run.log.String())
	}
}

// What is refused leaves the database as it was: empty, or with what it had.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	source := migrated.New(t)
	fill(t, source, 20)
	name := k.backUp(t, source)
	resum := "cd $1 && sha256sum database.dump contents.tsv manifest.json >SHA256SUMS"
	for title, test := range map[string]struct {
		spoil       string
		environment map[string]string
		target      *postgres.Template
		want        string
	}{
		"another system's":          {"", map[string]string{"CMHF_BACKUP_ODS_CODE": "QSL"}, &bare, "is of QOP, not of QSL"},
		"another kind of data":      {"", map[string]string{"CMHF_SYNTHETIC": "false"}, &bare, "holds data of the kind Synthetic, not Live"},
		"a database in use":         {"", nil, &migrated, "the database is not empty"},
		"a damaged dump":            {"printf x | dd of=$1/database.dump bs=1 seek=5000 conv=notrunc", nil, &bare, "is damaged"},
		"a file that is gone":       {"rm $1/contents.tsv", nil, &bare, "is damaged"},
		"a dump that ends early":    {"truncate --size=-2000 $1/database.dump && " + resum, nil, &bare, "nothing was restored"},
		"a dump of other content":   {"sed -i 's/^\\(table.public.people\\t\\)20/\\121/' $1/contents.tsv && " + resum, nil, &bare, "differs from what was backed up in public.people"},
		"a table that is missing":   {"printf 'table\\tpublic.more\\t0\\tx\\n' >>$1/contents.tsv && " + resum, nil, &bare, "differs from what was backed up in public.more"},
		"a sequence that is behind": {"sed -i 's/^\\(sequence.public.audit_events_id_seq\\t\\).*/\\199/' $1/contents.tsv && " + resum, nil, &bare, "public.audit_events_id_seq"},
		"an unknown format":         {"sed -i 's/\"format\": 1/\"format\": 2/' $1/manifest.json && " + resum, nil, &bare, "a format that this release does not know"},
		"nothing":                   {"rm -r $1", nil, &bare, "is not on the volume"},
	} {
		t.Run(title, func(t *testing.T) {
			mine := *k
			mine.environment = map[string]string{"CMHF_BACKUP_ODS_CODE": "QOP"}
			for _, settings := range []map[string]string{k.environment, test.environment} {
				for key, value := range settings {
					mine.environment[key] = value
				}
			}
			mine.volume, mine.report = t.TempDir(), filepath.Join(k.sockets, fmt.Sprintf("report-%x", title))
			for folder := mine.volume; folder != os.TempDir() && len(folder) > 1; folder = filepath.Dir(folder) {
				if err := os.Chmod(folder, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			copied := filepath.Join(mine.volume, name)
			if out, err := exec.Command("sh", "-ec", "cp --recursive "+filepath.Join(k.volume, name)+" $1; "+cmp.Or(test.spoil, ":")+"; chmod -R a+rX $1 || :", "sh", copied).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			target := test.target.New(t)
			before := k.contents(t, target)
			run := mine.restore(t, target, name)
			run.fails(t, test.want)
			if after := k.contents(t, target); after != before {
				t.Errorf("the database was changed:\n%s", after)
			}
			mustHoldNothingPersonal(t, run.log.String())
		})
	}
}

// A restore that is cut off leaves nothing; the next one finds the database empty and makes it whole.
func TestRestoreIsCutOff(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	source := migrated.New(t)
	fill(t, source, 2000)
	name := k.backUp(t, source)
	target := bare.New(t)
	holder := postgres.Connect(t, target.OwnerURL)
	tx, err := holder.BeginTx(t.Context(), pgx.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// Keeps the restore waiting at its first step, inside its transaction.
	if _, err := tx.Exec(t.Context(), "SELECT pg_advisory_xact_lock(hashtextextended('cmhf restore', 0))"); err != nil {
		t.Fatal(err)
	}
	run := k.restore(t, target, name)
	run.await(t, "restoring the backup")
	run.kill()
	run.wait(t)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, beside := k.restore(t, target, name), k.restore(t, target, name)
	codes := []int{again.wait(t), beside.wait(t)}
	if !slices.Contains(codes, 0) {
		t.Fatalf("two restores at once ended with %v:\n%s\n%s", codes, again.log.String(), beside.log.String())
	}
	if k.contents(t, target) != k.contents(t, source) {
		t.Error("the restored database differs")
	}
}

func rewrite(t *testing.T, path, old, new string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), old) {
		t.Fatalf("%s does not hold %q", path, old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(raw), old, new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}
