package node

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"
)

// How often parts are looked at, and how long the supervisor waits before it
// starts a part again.
const (
	probeStarting = 100 * time.Millisecond
	probeReady    = 5 * time.Second
	restartFirst  = 500 * time.Millisecond
	restartMost   = 10 * time.Second
)

// supervisor runs the parts of a node.
type supervisor struct {
	spec    Spec
	sockets []*os.File
	ready   map[string]chan struct{} // closed once the part was ready

	mu     sync.Mutex
	states []PartState
}

// Supervise starts every part of the node and starts again those that end. It
// runs until it is killed.
func Supervise(ctx context.Context, state string) error {
	spec, err := ReadSpec(state)
	if err != nil {
		return fmt.Errorf("read the node's settings: %w", err)
	}
	v := &supervisor{spec: spec, sockets: handedSockets(), ready: map[string]chan struct{}{}}
	parts := parts(spec)
	for _, p := range parts {
		v.ready[p.name] = make(chan struct{})
		v.states = append(v.states, PartState{Name: p.name, State: Waiting})
	}
	v.update("", func(*PartState) {})
	var running sync.WaitGroup
	for _, p := range parts {
		running.Go(func() { v.run(ctx, p) })
	}
	running.Wait()
	return nil
}

// run keeps one part running.
func (v *supervisor) run(ctx context.Context, p part) {
	for _, name := range p.after {
		select {
		case <-v.ready[name]:
		case <-ctx.Done():
			return
		}
	}
	wait := restartFirst
	for ctx.Err() == nil {
		began := time.Now()
		err := v.once(ctx, p)
		log.Printf("%s ended after %s: %v", p.name, time.Since(began).Round(time.Millisecond), err)
		v.update(p.name, func(s *PartState) {
			s.State, s.PID = Failed, 0
			s.Restarts++
		})
		if time.Since(began) > time.Minute {
			wait = restartFirst
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait = min(2*wait, restartMost)
	}
}

// once runs the part until it ends.
func (v *supervisor) once(ctx context.Context, p part) error {
	output, err := os.OpenFile(v.spec.Settings.LogFile(p.name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer output.Close()
	cmd := exec.CommandContext(ctx, p.command[0], p.command[1:]...)
	cmd.Env = Environment()
	cmd.Stdout, cmd.Stderr = output, output
	if p.sockets {
		cmd.ExtraFiles = v.sockets
	}
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(output, "cannot be started: %v\n", err)
		return err
	}
	v.update(p.name, func(s *PartState) {
		s.State, s.PID, s.Since = Starting, cmd.Process.Pid, time.Now()
	})
	alive, ended := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { v.watch(alive, p) })
	err = cmd.Wait()
	ended()
	watching.Wait()
	return err
}

// watch probes a running part and records whether it is ready.
func (v *supervisor) watch(ctx context.Context, p part) {
	var once sync.Once
	for state := Starting; ctx.Err() == nil; {
		next, pause := Starting, probeStarting
		if v.probe(ctx, p) {
			next, pause = Ready, probeReady
		}
		if ctx.Err() != nil {
			return
		}
		if next != state {
			v.update(p.name, func(s *PartState) { s.State = next })
			state = next
		}
		if next == Ready {
			once.Do(func() { v.wasReady(p.name) })
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

func (v *supervisor) probe(ctx context.Context, p part) bool {
	if p.ready == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return p.ready(ctx) == nil
}

// wasReady lets the parts that wait for this one start.
func (v *supervisor) wasReady(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	select {
	case <-v.ready[name]:
	default:
		close(v.ready[name])
	}
}

// update changes the state of the named part and writes all states out.
func (v *supervisor) update(name string, change func(*PartState)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if i := slices.IndexFunc(v.states, func(s PartState) bool { return s.Name == name }); i >= 0 {
		change(&v.states[i])
	}
	if err := writeJSON(partsFile(v.spec.Settings.State), v.states); err != nil {
		log.Printf("write the state of the parts: %v", err)
	}
}
