// The manager is the operator: it reconciles the resources of cmhf.health into tenants' stacks.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"os"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// version is set by the linker.
var version = "dev"

func main() {
	options, err := parse(flag.NewFlagSet("manager", flag.ExitOnError), os.Args[1:], os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "manager:", err)
		os.Exit(2)
	}
	logger := logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: options.logLevel}))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	if err := run(ctrl.SetupSignalHandler(), options); err != nil {
		logger.Error(err, "the manager stopped")
		os.Exit(1)
	}
}
