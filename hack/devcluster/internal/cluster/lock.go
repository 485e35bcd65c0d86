// Package cluster starts, stops, inspects and fills a development cluster: one
// function per command of the program.
//
// In: settings. Out: a running (or removed) cluster and lines that say what was
// done. It orders the work; building, configuration and the node itself are
// packages of their own.
package cluster

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/cmhf/operator/hack/devcluster/internal/progress"
)

// lockPatience is how long a command waits for another one on the same cluster:
// a first build takes minutes.
const lockPatience = 30 * time.Minute

// lock lets one command at a time change the named cluster. The lock is an
// abstract socket: it leaves no file and goes with the process.
func lock(name string, p *progress.Printer) (unlock func(), err error) {
	address := &net.UnixAddr{Name: "@cmhf-dev/" + name, Net: "unix"}
	for begin := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		listener, err := net.ListenUnix("unix", address)
		if err == nil {
			return func() { listener.Close() }, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("lock cluster %s: %w", name, err)
		}
		if p != nil {
			p.Say("waiting for another devcluster command on %s", name)
			p = nil
		}
		if time.Since(begin) > lockPatience {
			return nil, fmt.Errorf("another devcluster command has held cluster %s for %s", name, lockPatience)
		}
	}
}
