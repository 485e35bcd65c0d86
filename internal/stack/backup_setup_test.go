package stack

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/cmhf/operator/internal/coordination/schema"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

const backupPrograms = "kustomize/components/backup"

func TestMain(m *testing.M) { os.Exit(postgres.Run(m)) }

// migrated is a tenant's database as the migration leaves it; bare is one as the engine makes it.
var (
	migrated = postgres.Template{Prepare: func(ctx context.Context, owner string) error {
		return schema.Migrate(ctx, owner, schema.Settings{Holder: schema.Holder{ODSCode: "QOP", Synthetic: true}})
	}}
	bare = postgres.Template{Prepare: func(ctx context.Context, owner string) error {
		conn, err := pgx.Connect(ctx, owner)
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, "REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO cmhf_app")
		return err
	}}
)

// keeper is a volume for backups with the programs mounted beside it.
type keeper struct {
	programs, volume, report, sockets string
	environment                       map[string]string
}

func newKeeper(t *testing.T) *keeper {
	t.Helper()
	v := newVolume(t) // for its folder and the user to run as
	k := &keeper{
		programs: filepath.Join(v.config, "backup"), volume: v.folder, report: filepath.Join(v.sockets, "report"), sockets: v.sockets,
		environment: map[string]string{"PATH": v.programs + ":/usr/bin:/bin", "CMHF_ODS_CODE": "QOP", "CMHF_SYNTHETIC": "true", "CMHF_RETENTION_DAYS": "14"},
	}
	files, err := os.ReadDir(backupPrograms)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(filepath.Join(backupPrograms, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		v.write(t, filepath.Join(k.programs, file.Name()), string(raw))
	}
	return k
}

// job is a run of a program and all the processes that it starts.
type job struct {
	command *exec.Cmd
	log     output
	ended   chan struct{}
	code    int
	report  string
}

// start runs a program of the component against a database.
func (k *keeper) start(t *testing.T, database *postgres.Database, program string, args ...string) *job {
	t.Helper()
	j := &job{ended: make(chan struct{}), log: output{grown: make(chan struct{}, 1)}, report: k.report}
	j.command = exec.Command("/bin/sh", append([]string{filepath.Join(k.programs, program)}, args...)...)
	environment := maps.Clone(k.environment)
	maps.Copy(environment, map[string]string{
		"PGHOST": database.Host, "PGDATABASE": database.Name, "PGUSER": "cmhf_owner", "PGSSLMODE": "disable", "PGPASSWORD": "unused",
		"CMHF_BACKUPS": k.volume, "CMHF_PROGRAMS": k.programs, "CMHF_SOCKETS": k.sockets, "CMHF_REPORT": k.report, "TMPDIR": k.sockets,
	})
	for name, value := range environment {
		j.command.Env = append(j.command.Env, name+"="+value)
	}
	j.command.Dir = k.volume
	j.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: unprivileged(t)}
	j.command.Stdout, j.command.Stderr = &j.log, &j.log
	if err := j.command.Start(); err != nil {
		t.Fatalf("starting %s: %v", program, err)
	}
	go func() {
		defer close(j.ended)
		var exit *exec.ExitError
		if err := j.command.Wait(); errors.As(err, &exit) {
			j.code = exit.ExitCode()
		}
	}()
	t.Cleanup(func() { j.kill(); <-j.ended })
	return j
}

// kill ends every process of the run at once, as the loss of its node does, and waits until none is left: a server would take one that
// has ended and was not looked after yet for one that still uses its socket, which no pod shares with the next one.
func (j *job) kill() {
	group := -j.command.Process.Pid
	_ = syscall.Kill(group, syscall.SIGKILL)
	for deadline := time.Now().Add(patience); !errors.Is(syscall.Kill(group, 0), syscall.ESRCH) && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
}

func (j *job) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-j.ended:
	case <-time.After(patience):
		t.Fatalf("the program did not end in %s:\n%s", patience, j.log.String())
	}
	return j.code
}

func (j *job) await(t *testing.T, mark string) {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for j.log.missing([]string{mark}) != "" {
		select {
		case <-j.log.grown:
		case <-j.ended:
			if j.log.missing([]string{mark}) != "" {
				t.Fatalf("the program ended before it said %q:\n%s", mark, j.log.String())
			}
		case <-limit.C:
			t.Fatalf("the program did not say %q:\n%s", mark, j.log.String())
		}
	}
}

// fails wants the run to end with words on what was wrong, in the log and as the pod's last words.
func (j *job) fails(t *testing.T, want string) {
	t.Helper()
	if code := j.wait(t); code == 0 {
		t.Errorf("it succeeded, want a failure that says %q:\n%s", want, j.log.String())
	}
	if !strings.Contains(j.log.String(), want) {
		t.Errorf("the log does not say %q:\n%s", want, j.log.String())
	}
	words, err := os.ReadFile(j.report)
	if err != nil || !strings.Contains(string(words), want) {
		t.Errorf("the last words are %q (%v), want some that say %q", words, err, want)
	}
}

// backUp makes a backup and gives its name.
func (k *keeper) backUp(t *testing.T, database *postgres.Database) string {
	t.Helper()
	before := k.backups(t)
	run := k.start(t, database, "backup.sh")
	if code := run.wait(t); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, run.log.String())
	}
	made := slices.DeleteFunc(k.backups(t), func(name string) bool { return slices.Contains(before, name) })
	if len(made) != 1 {
		t.Fatalf("the run made %v, want one backup:\n%s", made, run.log.String())
	}
	return made[0]
}

func (k *keeper) restore(t *testing.T, database *postgres.Database, name string) *job {
	t.Helper()
	if k.environment["CMHF_BACKUP_ODS_CODE"] == "" {
		k.environment["CMHF_BACKUP_ODS_CODE"] = "QOP"
	}
	if err := os.RemoveAll(k.report); err != nil {
		t.Fatal(err)
	}
	return k.start(t, database, "restore.sh", filepath.Join(k.volume, name))
}

// backups lists what has the name of a backup; anything else but the lock is an error when the test looks for it.
func (k *keeper) backups(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, name := range k.everything(t) {
		if !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names
}

func (k *keeper) everything(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(k.volume)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// migrateTo brings an empty database to a version, as the release did whose newest migration it was.
func migrateTo(t *testing.T, database *postgres.Database, version int64) {
	t.Helper()
	db, err := sql.Open("pgx", database.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS("../coordination/schema/migrations"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}

// fill puts people with referrals into a migrated database; the names and numbers occur nowhere else.
func fill(t *testing.T, database *postgres.Database, people int) *pgx.Conn {
	t.Helper()
	owner := postgres.Connect(t, database.OwnerURL)
	for _, statement := range []string{
		`INSERT INTO services (id, name, display_name, state, place, neighbourhoods, lead_provider_ods_code, lead_provider_name, functions, entry_routes, digest)
		 VALUES ('10000000-0000-0000-0000-000000000001', 'core', 'Core', 'Open', 'East', '{Harbour}', 'RXV', 'A provider', '{Core}', '{Self}', 'd')`,
		fmt.Sprintf(`INSERT INTO people (id, nhs_number_absent_reason, family_name, given_name, birth_date)
		 SELECT gen_random_uuid(), 'NotKnownYet', 'Thistlewaite' || n, E'Quil\tlon\n' || n, date '1950-01-01' + n FROM generate_series(1, %d) n`, people),
		`INSERT INTO referrals (id, person_id, service_id, responsible_service_id, route, reason, received_on, recorded_by)
		 SELECT gen_random_uuid(), p.id, s.id, s.id, 'Self', 'Asks for help with ''low'' mood \ and housing', '2026-11-01', 'someone' FROM people p, services s`,
		`INSERT INTO audit_events (request_id, subject, client, role, services, purpose, operation, outcome) VALUES ('r', 's', 'c', 'practitioner', '{}', 'p', 'o', 'Done')`,
	} {
		if _, err := owner.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return owner
}

// contents is what contents.sql says of a database now.
func (k *keeper) contents(t *testing.T, database *postgres.Database) string {
	t.Helper()
	var text, problems bytes.Buffer
	command := exec.Command("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--single-transaction",
		"--file="+filepath.Join(backupPrograms, "contents.sql"), database.OwnerURL)
	command.Stdout, command.Stderr = &text, &problems
	if err := command.Run(); err != nil {
		t.Fatalf("reading the contents: %v\n%s", err, problems.String())
	}
	return text.String()
}
