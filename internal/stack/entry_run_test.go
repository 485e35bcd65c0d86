package stack

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a step may take before the test gives up; all of them take about a second.
const patience = 30 * time.Second

// run is one run of the entry program.
type run struct {
	command *exec.Cmd
	output  output
	ended   chan struct{}
}

func (v *volume) start(t *testing.T, environment ...string) *run {
	t.Helper()
	script, err := os.ReadFile(filepath.Join(standalone, "entry.sh"))
	if err != nil {
		t.Fatal(err)
	}
	r := &run{ended: make(chan struct{}), output: output{grown: make(chan struct{}, 1)}}
	// Handed over as text, because the server's user may not be able to read the source tree.
	r.command = exec.Command("/bin/sh", "-c", string(script))
	r.command.Dir = v.folder
	r.command.Env = append([]string{"PATH=" + v.programs + ":/usr/bin:/bin", "PGDATA=" + v.data(), "CMHF_ENTRY_DIR=" + v.config,
		"PGHOST=" + v.sockets, "PGPORT=" + strconv.Itoa(v.port)}, environment...)
	attributes := v.attributes
	r.command.SysProcAttr = &attributes
	r.command.Stdout, r.command.Stderr = &r.output, &r.output
	started := make(chan error, 1)
	go func() {
		// The kernel ends the program when the thread that started it dies, so a killed test leaves no server behind.
		runtime.LockOSThread()
		defer close(r.ended)
		err := r.command.Start()
		started <- err
		if err == nil {
			// Returns when every process that holds the log has ended, the server included.
			_ = r.command.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatalf("starting the entry program: %v", err)
	}
	t.Cleanup(func() {
		select {
		case <-r.ended:
		default: // the test failed on the way, and this may be a server without its program
			_ = syscall.Kill(-r.command.Process.Pid, syscall.SIGKILL)
			r.wait(t)
		}
	})
	return r
}

// await waits until the log holds the marks, one after the other.
func (r *run) await(t *testing.T, marks ...string) {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		missing := r.output.missing(marks)
		if missing == "" {
			return
		}
		select {
		case <-r.output.grown:
		case <-r.ended:
			if r.output.missing(marks) == "" {
				return
			}
			t.Fatalf("the program ended before it said %q:\n%s", missing, r.output.String())
		case <-limit.C:
			t.Fatalf("the program did not say %q in %s:\n%s", missing, patience, r.output.String())
		}
	}
}

// stop asks as the container runtime does and wants a clean end.
func (r *run) stop(t *testing.T) {
	t.Helper()
	if err := r.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("sending SIGTERM: %v\n%s", err, r.output.String())
	}
	if code := r.wait(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0:\n%s", code, r.output.String())
	}
}

// crash ends the server without a word, as a node that fails does. The program stays to collect it: a process that nobody collects
// would look to the next server as if it still ran.
func (v *volume) crash(t *testing.T, run *run) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(v.data(), "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatalf("reading the server's process from postmaster.pid: %v", err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatalf("killing the server: %v", err)
	}
	if code := run.wait(t); code != 128+int(syscall.SIGKILL) {
		t.Errorf("exit code %d after the server was killed, want the server's", code)
	}
}

func (r *run) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		t.Fatalf("the program and its server did not end in %s:\n%s", patience, r.output.String())
	}
	return r.command.ProcessState.ExitCode()
}

// output collects what the program and the server write.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	select {
	case o.grown <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// missing gives the first of the marks that the log does not hold after the one before.
func (o *output) missing(marks []string) string {
	rest, found := o.String(), false
	for _, mark := range marks {
		if _, rest, found = strings.Cut(rest, mark); !found {
			return mark
		}
	}
	return ""
}
