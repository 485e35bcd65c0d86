package stack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

const (
	// nhsNumber has a wrong check digit: nobody has it.
	nhsNumber = "943 476 5918"
	serving   = "entry: starting the server"
	ready     = "database system is ready to accept connections"
)

// A tenant's first start, its later starts, and what its log shows.
func TestEntryServesAndKeepsData(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	first := v.start(t)
	first.await(t, serving, ready)
	owner := v.connect(t, "cmhf_owner")
	for _, statement := range []string{
		"CREATE TABLE person (nhs_number text PRIMARY KEY)",
		"GRANT SELECT, INSERT ON person TO cmhf_app",
		"INSERT INTO person VALUES ('kept')",
	} {
		if _, err := owner.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	app := v.connect(t, "cmhf_app")
	if _, err := app.Exec(t.Context(), "CREATE TABLE mine (id int)"); err == nil {
		t.Error("cmhf_app may make tables")
	}
	// Both clients stay connected: a shutdown must not wait for them.
	v.mustShutDown(t, first)

	// What the kubelet does to a volume with fsGroup, and what a rotation does to the Secrets.
	if err := os.Chmod(v.data(), 0o2770); err != nil {
		t.Fatal(err)
	}
	old := v.password("cmhf_app")
	v.setPasswords(t, "second")
	second := v.start(t, "CMHF_EXPECT_DATA=true")
	second.await(t, serving, ready)
	if info, err := os.Stat(v.data()); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data directory's mode is %v (%v), want 0700", info.Mode(), err)
	}
	app = v.connect(t, "cmhf_app")
	v.connect(t, "cmhf_owner")
	var rows int
	if err := app.QueryRow(t.Context(), "SELECT count(*) FROM person WHERE nhs_number = 'kept'").Scan(&rows); err != nil || rows != 1 {
		t.Errorf("found %d rows of the first start (%v), want 1", rows, err)
	}
	if conn, err := pgx.Connect(t.Context(), v.url("cmhf_app", old)); err == nil {
		_ = conn.Close(t.Context())
		t.Error("the password before the rotation still works")
	}
	v.provokeErrors(t)
	second.await(t, serving, ready, "was terminated by signal 9", ready)
	v.mustShutDown(t, second)

	log := second.output.String()
	for _, needed := range []string{"received fast shutdown request", "checkpoint complete", "database system is shut down",
		`FATAL:  password authentication failed for user "cmhf_app"`, "FATAL:  terminating connection due to administrator command"} {
		if !strings.Contains(log, needed) {
			t.Errorf("the log does not say %q", needed)
		}
	}
	for _, value := range []string{nhsNumber, strings.ReplaceAll(nhsNumber, " ", ""), "kept", v.password("cmhf_app"), v.password("cmhf_owner")} {
		if strings.Contains(log, value) {
			t.Errorf("the log holds the value %q", value)
		}
	}
	if t.Failed() {
		t.Logf("the log:\n%s", log)
	}
}

// provokeErrors makes the server report a value in every way it has: message, detail, statement, parameter, crash report.
func (v *volume) provokeErrors(t *testing.T) {
	t.Helper()
	owner, compact := v.connect(t, "cmhf_owner"), strings.ReplaceAll(nhsNumber, " ", "")
	for _, try := range []struct {
		statement string
		arguments []any
	}{
		{fmt.Sprintf("SELECT '%s'::integer", nhsNumber), nil},
		{"SELECT $1::text::date", []any{nhsNumber}},
		{"INSERT INTO person VALUES ($1), ($1)", []any{compact}},
		{fmt.Sprintf("SELECT '%s' FROM nowhere", nhsNumber), nil},
		{fmt.Sprintf("DO $$ BEGIN RAISE WARNING '%[1]s'; RAISE EXCEPTION '%[1]s'; END $$", nhsNumber), nil},
		{fmt.Sprintf("SELECT pg_terminate_backend(pg_backend_pid()), '%s'", nhsNumber), nil},
	} {
		if _, err := owner.Exec(t.Context(), try.statement, try.arguments...); err == nil {
			t.Errorf("%s was meant to fail", try.statement)
		}
	}
	// The report of a crash names the last statement of the process that crashed.
	victim := v.connect(t, "cmhf_owner")
	if _, err := victim.Exec(t.Context(), fmt.Sprintf("SELECT '%s'", nhsNumber)); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(int(victim.PgConn().PID()), syscall.SIGKILL); err != nil {
		t.Fatalf("ending one server process: %v", err)
	}
}

// A pod may be stopped at any moment; the steps share one volume, so each also proves that the one before did no harm.
func TestEntryStopsInEveryPhase(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	making := v.start(t)
	making.await(t, "entry: no data directory yet")
	making.stop(t)
	if _, err := os.Stat(v.data()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a stop while the data directory was being made left one (%v)", err)
	}
	for _, marks := range [][]string{
		{"entry: bringing roles"},
		{"entry: bringing roles", "starting PostgreSQL"},
		{"entry: bringing roles", ready},
		{serving},
		{serving, "starting PostgreSQL"},
		{serving, ready},
	} {
		run := v.start(t)
		run.await(t, marks...)
		v.mustShutDown(t, run)
	}

	// The same during recovery, held up by 64 MB of log to replay. Here the state stays "in crash recovery".
	run := v.start(t)
	run.await(t, serving, ready)
	owner := v.connect(t, "cmhf_owner")
	if _, err := owner.Exec(t.Context(), "CREATE TABLE filler AS SELECT repeat('x', 500) AS text FROM generate_series(1, 100000)"); err != nil {
		t.Fatal(err)
	}
	v.crash(t, run)
	recovering := v.start(t)
	recovering.await(t, "entry: bringing roles", "redo starts at")
	recovering.stop(t)
	if _, err := os.Stat(filepath.Join(v.data(), "postmaster.pid")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a stop during recovery left postmaster.pid (%v)", err)
	}
	last := v.start(t)
	last.await(t, serving, ready)
	var rows int
	if err := v.connect(t, "cmhf_owner").QueryRow(t.Context(), "SELECT count(*) FROM filler").Scan(&rows); err != nil || rows != 100000 {
		t.Errorf("found %d rows after recovery (%v), want 100000", rows, err)
	}
	v.mustShutDown(t, last)

	// A crash between initdb and rename is a finished data directory under its temporary name.
	if err := os.Rename(v.data(), filepath.Join(v.folder, "initdb.tmp")); err != nil {
		t.Fatal(err)
	}
	again := v.start(t)
	again.await(t, serving, ready)
	v.connect(t, "cmhf_app")
	v.mustShutDown(t, again)
	if _, err := os.Stat(filepath.Join(v.folder, "initdb.tmp")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half-made data directory is still there (%v)", err)
	}
}

// What the program must leave alone.
func TestEntryRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		environment string
		foreign     bool
		want        string
	}{
		"a folder of something else":     {"", true, "is not empty but has no PG_VERSION"},
		"an empty volume where data was": {"CMHF_EXPECT_DATA=true", false, "records that this database had data"},
		"a setting it can't read":        {"CMHF_EXPECT_DATA=yes", false, `CMHF_EXPECT_DATA is "yes", neither true nor false`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVolume(t)
			var want []string
			if test.foreign {
				v.write(t, filepath.Join(v.data(), "notes.txt"), "someone's")
				want = []string{"pgdata", "pgdata/notes.txt"}
			}
			run := v.start(t, test.environment)
			if code := run.wait(t); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			if log := run.output.String(); !strings.Contains(log, test.want) {
				t.Errorf("the log does not say %q:\n%s", test.want, log)
			}
			if got := v.contents(t); !slices.Equal(got, want) {
				t.Errorf("the volume holds %v, want %v", got, want)
			}
		})
	}
}

// A failed step ends the program with the server's own reason in the log and no process left behind.
func TestEntryFailsWithTheServer(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	first := v.start(t)
	first.await(t, serving, ready)
	v.mustShutDown(t, first)
	if err := os.Remove(filepath.Join(v.config, "logins", "app")); err != nil {
		t.Fatal(err)
	}
	if code := v.start(t).wait(t); code != 1 {
		t.Errorf("without a password: exit code %d, want 1", code)
	}
	if state := v.state(t); state != "shut down" {
		t.Errorf("without a password: the database is left %q", state)
	}
	if err := os.Remove(filepath.Join(v.data(), "global", "pg_control")); err != nil {
		t.Fatal(err)
	}
	broken := v.start(t)
	if code := broken.wait(t); code != 1 {
		t.Errorf("without pg_control: exit code %d, want 1", code)
	}
	if log := broken.output.String(); !strings.Contains(log, "could not open file") && !strings.Contains(log, "could not find the database system") {
		t.Errorf("the log does not say what is wrong:\n%s", log)
	}
}
