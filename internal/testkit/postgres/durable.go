package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Durable is a server of its own that keeps what it has acknowledged when its processes are killed, and that can be started again.
//
// It commits synchronously and writes full pages. fsync stays off: what a killed process has written is in the kernel's cache, which
// outlives it; only the machine's own end would lose it.
type Durable struct {
	// Host as in PGHOST; it stays the same when the server is started again.
	Host   string
	server *server
}

// StartDurable runs one until the test ends.
func StartDurable(tb testing.TB) *Durable {
	tb.Helper()
	s, err := start(0, nil, "synchronous_commit=on", "full_page_writes=on", "restart_after_crash=on")
	if err != nil {
		tb.Fatalf("starting a durable PostgreSQL: %v", err)
	}
	d := &Durable{Host: s.folder, server: s}
	tb.Cleanup(s.stop)
	return d
}

// Create makes a database that cmhf_owner owns and gives the URL for a role.
func (d *Durable) Create(tb testing.TB, name string) (url func(role string) string) {
	tb.Helper()
	if err := d.server.create(name, "template1"); err != nil {
		tb.Fatalf("making a database: %v", err)
	}
	return func(role string) string { return d.server.url(role, name) }
}

// Kill ends the server and all its processes as kill -9 does.
func (d *Durable) Kill(tb testing.TB) {
	tb.Helper()
	ended := d.backends(tb)
	_ = d.server.process.Kill()
	for _, pid := range ended {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
	}
	<-d.server.stopped
	deadline := time.Now().Add(30 * time.Second)
	for _, pid := range ended {
		for parent(pid) != 0 { // the next server refuses to start while one is left
			if time.Now().After(deadline) {
				tb.Fatalf("process %d of a killed PostgreSQL does not end", pid)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// Start starts a killed server again on its data and waits until it answers.
func (d *Durable) Start(tb testing.TB) {
	tb.Helper()
	if err := d.server.launchAgain(); err != nil {
		tb.Fatalf("starting PostgreSQL again: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := d.server.waitReady(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	_ = conn.Close(ctx) // it has served its purpose
}

// KillBackend ends one of the server's processes as kill -9 does. The server then ends all others and recovers by itself.
func (d *Durable) KillBackend(tb testing.TB) {
	tb.Helper()
	if running := d.backends(tb); len(running) > 0 {
		_ = syscall.Kill(running[rand.IntN(len(running))], syscall.SIGKILL)
	}
}

// backends are the ids of the server's own processes.
func (d *Durable) backends(tb testing.TB) (pids []int) {
	tb.Helper()
	found, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		tb.Fatalf("listing processes: %v", err)
	}
	for _, path := range found {
		if pid, err := strconv.Atoi(filepath.Base(path)); err == nil && parent(pid) == d.server.process.Pid {
			pids = append(pids, pid)
		}
	}
	return pids
}

// parent is 0 for a process that has ended, reaped or not.
func parent(pid int) int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(raw), ") ") // the program's name may hold spaces, not this
	fields := strings.Fields(after)
	if len(fields) < 2 || fields[0] == "Z" || fields[0] == "X" {
		return 0
	}
	ppid, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return ppid
}
