package upgrade

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cmhf/operator/internal/directory"
	"github.com/cmhf/operator/internal/testkit/idp"
	"github.com/cmhf/operator/internal/testkit/idp/idptest"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

// root is where this module lies.
const root = "../.."

// buildReleased builds the program of the release from the history, in a folder of its own.
func buildReleased(t *testing.T) string {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "git", "-C", root, "cat-file", "-e", released+"^{commit}").CombinedOutput(); err != nil {
		t.Skipf("the released program can't be built: this source has no history with the commit %s (an archive, a shallow clone, or no git): %v %s", released, err, out)
	}
	tree := t.TempDir()
	archive := filepath.Join(t.TempDir(), "released.tar")
	run(t, "git", "-C", root, "archive", "--output", archive, released, "go.mod", "go.sum", "api", "cmd", "internal")
	run(t, "tar", "-x", "-f", archive, "-C", tree)
	return build(t, tree)
}

func buildPresent(t *testing.T) string {
	t.Helper()
	return build(t, root)
}

func build(t *testing.T, tree string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "coordination-api")
	run(t, "go", "build", "-C", tree, "-o", path, "./cmd/coordination-api")
	return path
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// tenant is one system's database, identity provider and files, as the operator would give them to a program of either tree.
type tenant struct {
	database    *postgres.Database
	provider    *idptest.Server
	environment []string
}

const subject = "2f0c1d54-6f1b-4a43-9a2b-0d4f3a8e7c11"

func newTenant(t *testing.T, database *postgres.Database) *tenant {
	t.Helper()
	n := &tenant{database: database, provider: idptest.StartOnLocalhost(t, idp.Config{})}
	d := directory.Directory{
		Format: directory.FormatV1, Revision: 1, ODSCode: "QOP", Name: "Test ICS", Neighbourhoods: []directory.Neighbourhood{{Name: "harbour", Place: "coast"}},
		Services: []directory.Service{{
			ID: directory.ServiceID("QOP", "north"), Name: "north", DisplayName: "The north service", State: directory.StateOpen, Place: "coast",
			Neighbourhoods: []string{"harbour"}, LeadProvider: directory.Provider{ODSCode: "RT1", Name: "Test Trust"}, Functions: []string{"Core"}, EntryRoutes: []string{"Self"},
		}},
	}
	encoded, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	files := map[string]string{"token": "made-up-internal-token", "directory": string(encoded)}
	for name, content := range files {
		files[name] = filepath.Join(folder, name)
		if err := os.WriteFile(files[name], []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n.environment = append(os.Environ(), "PGHOST="+database.Host, "PGDATABASE="+database.Name, "PGSSLMODE=disable",
		"CMHF_ODS_CODE=QOP", "CMHF_ICS_NAME=Test ICS", "CMHF_SYNTHETIC=true", "CMHF_OIDC_ISSUER="+n.provider.Issuer(),
		"CMHF_INTERNAL_TOKEN_FILE="+files["token"], "CMHF_DIRECTORY_FILE="+files["directory"], "CMHF_RATE_LIMIT=0")
	return n
}

// migrate runs the program as the operator's Job does, once: it has to get through beside those who are at work.
func (n *tenant) migrate(t *testing.T, program string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, "migrate")
	command.Env = append(n.environment[:len(n.environment):len(n.environment)], "PGUSER=cmhf_owner")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("migrating: %v\n%s", err, out)
	}
	if n := bytes.Count(out, []byte("begins again")); n > 0 {
		t.Logf("the migration began again %d times", n)
	}
}

// process is a program that serves.
type process struct {
	public  string
	command *exec.Cmd
	log     *bytes.Buffer
	// ended is closed when it has ended, as err says.
	ended chan struct{}
	err   error
}

// serve starts a program and waits until it is ready.
func (n *tenant) serve(t *testing.T, program string) *process {
	t.Helper()
	p := &process{public: freeAddress(t), command: exec.Command(program, "serve"), log: &bytes.Buffer{}, ended: make(chan struct{})}
	internal := freeAddress(t)
	p.command.Env = append(n.environment[:len(n.environment):len(n.environment)], "PGUSER=cmhf_app", "CMHF_LISTEN="+p.public, "CMHF_INTERNAL_LISTEN="+internal)
	p.command.Stderr = p.log
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.err = p.command.Wait()
	}()
	t.Cleanup(func() {
		_ = p.command.Process.Kill() // may have been stopped
		<-p.ended
		if t.Failed() {
			t.Logf("%s logged:\n%s", program, p.log)
		}
	})
	eventually(t, "a program to get ready", func() bool {
		response, err := http.Get("http://" + internal + "/readyz")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return p
}

// stop ends it as Kubernetes does.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("the program ended by itself: %v", err)
	}
	if <-p.ended; p.err != nil {
		t.Errorf("stopping: %v", p.err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
