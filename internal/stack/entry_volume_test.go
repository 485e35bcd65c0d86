package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

const standalone = "kustomize/components/standalone"

// volume is a tenant's volume with the configuration that is mounted beside it.
type volume struct {
	programs, folder, config, sockets string
	port                              int
	suffix                            string
	attributes                        syscall.SysProcAttr
}

func newVolume(t *testing.T) *volume {
	t.Helper()
	programs := os.Getenv("CMHF_TEST_POSTGRES_BIN")
	if programs == "" {
		programs = "/usr/lib/postgresql/15/bin"
	}
	if _, err := os.Stat(filepath.Join(programs, "initdb")); err != nil {
		t.Fatalf("PostgreSQL 15's programs are missing: %v\nrun `apt-get update && apt-get install -y postgresql-15`, "+
			"or set CMHF_TEST_POSTGRES_BIN to the folder that holds initdb, postgres and psql", err)
	}
	root, err := os.MkdirTemp("", "cmhf-entry-") // not t.TempDir: its parent is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Errorf("removing the test's volume: %v", err)
		}
	})
	v := &volume{programs: programs, folder: filepath.Join(root, "volume"), config: filepath.Join(root, "config"), sockets: root, port: freePort(t)}
	v.attributes = syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	v.attributes.Credential = unprivileged(t)
	v.own(t, root)
	v.own(t, v.folder)
	v.configure(t)
	v.setPasswords(t, "first")
	return v
}

// configure copies what the ConfigMap holds; only places differ, and who the superuser's socket is open to when the tests
// run as someone other than postgres.
func (v *volume) configure(t *testing.T) {
	t.Helper()
	account, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string][][2]string{
		"postgresql.conf": {
			{"'/etc/cmhf/entry/", "'" + v.config + "/entry/"},
			{"'/var/run/postgresql'", "'" + v.sockets + "'"},
			{"port = 5432", "port = " + strconv.Itoa(v.port)},
			{"listen_addresses = '*'", "listen_addresses = '127.0.0.1'"},
		},
		"pg_hba.conf": nil,
		"roles.sql":   nil,
	}
	if v.attributes.Credential == nil && account.Username != "postgres" {
		replace["pg_hba.conf"] = [][2]string{{"peer", "trust"}}
	}
	for name, pairs := range replace {
		raw, err := os.ReadFile(filepath.Join(standalone, name))
		if err != nil {
			t.Fatal(err)
		}
		text := string(raw)
		for _, pair := range pairs {
			if strings.Count(text, pair[0]) != 1 {
				t.Fatalf("%s holds %q %d times, want once", name, pair[0], strings.Count(text, pair[0]))
			}
			text = strings.Replace(text, pair[0], pair[1], 1)
		}
		v.write(t, filepath.Join(v.config, "entry", name), text)
	}
}

func (v *volume) setPasswords(t *testing.T, suffix string) {
	t.Helper()
	v.suffix = suffix
	for _, role := range []string{"owner", "app"} {
		v.write(t, filepath.Join(v.config, "logins", role), "cmhf_"+role+" "+v.password("cmhf_"+role)+"\n")
	}
}

func (v *volume) password(role string) string { return "word-of-" + role + "-" + v.suffix }
func (v *volume) data() string                { return filepath.Join(v.folder, "pgdata") }

func (v *volume) url(role, password string) string {
	return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/cmhf?sslmode=disable", role, password, v.port)
}

// connect uses the role's current password over TCP, as the API does.
func (v *volume) connect(t *testing.T, role string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), v.url(role, v.password(role)))
	if err != nil {
		t.Fatalf("connecting as %s: %v", role, err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the test's own context has ended by now
	return conn
}

func (v *volume) write(t *testing.T, path, text string) {
	t.Helper()
	v.own(t, filepath.Dir(path))
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// own makes a folder, if need be, that the server's user may write.
func (v *volume) own(t *testing.T, folder string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if who := v.attributes.Credential; who != nil {
		if err := os.Chown(folder, int(who.Uid), int(who.Gid)); err != nil {
			t.Fatal(err)
		}
	}
}

// contents lists what lies on the volume.
func (v *volume) contents(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(v.folder, func(path string, _ os.DirEntry, err error) error {
		if relative, _ := filepath.Rel(v.folder, path); relative != "." {
			found = append(found, relative)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// state is the database's own word on how it ended.
func (v *volume) state(t *testing.T) string {
	t.Helper()
	raw, err := exec.Command(filepath.Join(v.programs, "pg_controldata"), v.data()).Output()
	if err != nil {
		t.Fatalf("running pg_controldata: %v", err)
	}
	_, rest, _ := strings.Cut(string(raw), "Database cluster state:")
	state, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(state)
}

func (v *volume) mustShutDown(t *testing.T, run *run) {
	t.Helper()
	run.stop(t)
	if state := v.state(t); state != "shut down" {
		t.Errorf("the database is left %q, want \"shut down\":\n%s", state, run.output.String())
	}
}

// unprivileged is the user to run as when the tests run as root, which PostgreSQL refuses; nil means the tests' own.
func unprivileged(t *testing.T) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		t.Fatalf("the tests run as root and PostgreSQL refuses to: %v\nDebian's package postgresql-15 makes the account postgres", err)
	}
	uid, errUID := strconv.ParseUint(account.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(account.Gid, 10, 32)
	if err := errors.Join(errUID, errGID); err != nil {
		t.Fatalf("reading the account postgres: %v", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: true}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("looking for a free port: %v", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
