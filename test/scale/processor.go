package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// processor is the processor time that was used: by this process, which is operator, stub and user in one, and by the control plane's.
// Unlike the time on the clock it hardly depends on what else the machine does.
type processor struct{ here, controlPlane time.Duration }

func (p processor) own() time.Duration   { return p.here }
func (p processor) other() time.Duration { return p.controlPlane }
func (p processor) all() time.Duration   { return p.here + p.controlPlane }

// note adds what was used since then.
func (p processor) note(to []processor) ([]processor, error) {
	now, err := processorTime()
	return append(to, processor{now.here - p.here, now.controlPlane - p.controlPlane}), err
}

// median in seconds.
func median(of []processor, what func(processor) time.Duration) float64 {
	times := make([]time.Duration, 0, len(of))
	for _, p := range of {
		times = append(times, what(p))
	}
	return quantile(times, 0.5).Seconds()
}

// processorTime is what was used since the start.
func processorTime() (processor, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return processor{}, fmt.Errorf("reading this process's processor time: %w", err)
	}
	p := processor{here: time.Duration(usage.Utime.Nano() + usage.Stime.Nano())}
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return processor{}, err
	}
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if fields[1] != strconv.Itoa(os.Getpid()) {
			continue
		}
		for _, field := range fields[11:13] {
			ticks, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return processor{}, fmt.Errorf("reading %s: %w", file, err)
			}
			p.controlPlane += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	return p, nil
}
