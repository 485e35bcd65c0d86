// Package postgres runs a real PostgreSQL server for tests: one throw-away server per test binary, one database per test,
// cloned from a template that is migrated once.
//
// It finds Debian's server programs (or CMHF_TEST_POSTGRES_BIN), runs initdb in a temporary folder as a user other than
// root, listens on a Unix socket only, and turns durability off. The roles of a tenant's database exist as the engine
// would make them: cmhf_owner owns the database, cmhf_app may log in and nothing else. It is imported by tests only and
// knows nothing of the schema.
package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const superuser = "postgres"

// settings are those of the tenants' servers where they matter to a test (what may appear in the server's log), and
// otherwise make a throw-away server fast.
var settings = []string{
	"log_error_verbosity=terse", "log_min_error_statement=panic", "log_parameter_max_length=0", "log_parameter_max_length_on_error=0",
	"fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "shared_buffers=64MB",
	"listen_addresses=", "autovacuum=off", "timezone=UTC",
}

// server is the test binary's one server.
type server struct {
	folder  string
	port    int // 0 is PostgreSQL's own
	process *os.Process
	stopped chan struct{}
	// launchAgain starts the server anew on its data after it has ended.
	launchAgain func() error
}

var (
	startOnce sync.Once
	running   *server
	errStart  error
)

// Run runs the tests of a binary and stops the server, if one was started. Call it from TestMain.
func Run(m *testing.M) int {
	code := m.Run()
	if running != nil {
		running.stop()
	}
	return code
}

func theServer(tb testing.TB) *server {
	tb.Helper()
	startOnce.Do(func() { running, errStart = start(0, nil) })
	if errStart != nil {
		tb.Fatalf("starting PostgreSQL for tests: %v", errStart)
	}
	return running
}

// start runs a server at a port, 0 being PostgreSQL's own, with further settings. prepare, if given, is called between initdb and the
// start with the data folder and those who may read it.
func start(port int, prepare func(data string, attributes *syscall.SysProcAttr) error, further ...string) (*server, error) {
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "cmhf-pg-")
	if err != nil {
		return nil, fmt.Errorf("making a data folder: %w", err)
	}
	s := &server{folder: folder, port: port, stopped: make(chan struct{})}
	attributes, err := asUnprivileged(folder)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	initdb := exec.Command(filepath.Join(programs, "initdb"), "--pgdata", filepath.Join(folder, "data"), "--username", superuser,
		"--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = attributes, folder
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("running initdb: %w: %s", err, out), os.RemoveAll(folder))
	}
	if prepare != nil {
		if err := prepare(filepath.Join(folder, "data"), attributes); err != nil {
			return nil, errors.Join(err, os.RemoveAll(folder))
		}
	}
	all := append(append(slices.Clone(settings), "port="+strconv.Itoa(cmp.Or(port, 5432))), further...)
	s.launchAgain = func() error {
		s.stopped = make(chan struct{})
		return s.launch(programs, attributes, all)
	}
	if err := s.launch(programs, attributes, all); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := s.prepare(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// findPrograms prefers the newest version that is installed.
func findPrograms() (string, error) {
	if folder := os.Getenv("CMHF_TEST_POSTGRES_BIN"); folder != "" {
		return folder, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", fmt.Errorf("looking for initdb: %w", err)
	}
	version := func(path string) int {
		n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		if err != nil {
			return 0
		}
		return n
	}
	found = slices.DeleteFunc(found, func(path string) bool { return version(path) < 15 })
	if len(found) == 0 {
		return "", errors.New("no PostgreSQL 15 or newer under /usr/lib/postgresql: run `apt-get update && apt-get install -y postgresql-15`, " +
			"or set CMHF_TEST_POSTGRES_BIN to the folder that holds initdb and postgres")
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// asUnprivileged gives the attributes that make a child run as another user when the tests run as root: initdb and
// postgres refuse to run as root.
func asUnprivileged(folder string) (*syscall.SysProcAttr, error) {
	attributes := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() != 0 {
		return attributes, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(account.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(account.Gid, 10, 32)
		if errUID != nil || errGID != nil {
			continue
		}
		if err := os.Chown(folder, int(uid), int(gid)); err != nil {
			return nil, fmt.Errorf("giving the data folder to %s: %w", name, err)
		}
		attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: true}
		return attributes, nil
	}
	return nil, errors.New("the tests run as root, and neither a postgres nor a nobody account exists to run PostgreSQL as")
}

// launch starts the server from a thread that lives as long as the server does: the kernel ends the server when that
// thread dies, so a killed test binary leaves none behind.
func (s *server) launch(programs string, attributes *syscall.SysProcAttr, settings []string) error {
	logFile, err := os.Create(s.logPath())
	if err != nil {
		return fmt.Errorf("creating the server's log: %w", err)
	}
	args := []string{"-D", filepath.Join(s.folder, "data"), "-k", s.folder}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	command := exec.Command(filepath.Join(programs, "postgres"), args...)
	command.SysProcAttr, command.Dir, command.Stdout, command.Stderr = attributes, s.folder, logFile, logFile
	started, stopped := make(chan error, 1), s.stopped
	go func() {
		runtime.LockOSThread()
		defer close(stopped)
		defer logFile.Close()
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait() // how it ended matters to nobody: stop asks for it, and a crash shows in the tests
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("starting postgres: %w", err)
	}
	s.process = command.Process
	return nil
}

func (s *server) prepare() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := s.waitReady(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, statement := range []string{
		"CREATE ROLE cmhf_owner LOGIN",
		"CREATE ROLE cmhf_app LOGIN NOINHERIT NOBYPASSRLS",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func (s *server) waitReady(ctx context.Context) (*pgx.Conn, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.url(superuser, "postgres"))
		if err == nil {
			return conn, nil
		}
		select {
		case <-s.stopped:
			raw, _ := os.ReadFile(s.logPath())
			return nil, fmt.Errorf("postgres ended while starting: %s", raw)
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for postgres: %w", err)
		case <-tick.C:
		}
	}
}

func (s *server) stop() {
	_ = s.process.Signal(syscall.SIGQUIT) // immediate shutdown; the data are thrown away
	<-s.stopped
	_ = os.RemoveAll(s.folder)
}

func (s *server) logPath() string { return filepath.Join(s.folder, "server.log") }

func (s *server) url(role, database string) string {
	return fmt.Sprintf("postgres:///%s?host=%s&port=%d&user=%s&sslmode=disable", database, s.folder, cmp.Or(s.port, 5432), role)
}
