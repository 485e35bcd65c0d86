package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"

	"github.com/cmhf/operator/controllers/integratedcaresystem"
	"github.com/cmhf/operator/internal/stack"
)

// options are what the command line and the environment say, checked once at the start.
type options struct {
	settings       integratedcaresystem.Settings
	metricsAddress string
	probeAddress   string
	leaderElection bool
	throughProxy   bool
	logLevel       slog.Level
}

func parse(flags *flag.FlagSet, args []string, getenv func(string) string) (options, error) {
	var o options
	var level string
	images := &o.settings.Images
	flags.StringVar(&images.CoordinationAPI, "coordination-api-image", "", "image of the coordination API, by preference name:tag@digest (required)")
	flags.StringVar(&images.Dashboard, "dashboard-image", "", "image of the dashboard (required)")
	flags.StringVar(&images.Postgres, "postgres-image", "", "image of PostgreSQL for the engines Standalone and CloudNativePG; its tag begins with the major version (required)")
	flags.StringVar(&o.settings.Registry, "registry", "", "registry, with a path if it needs one, that holds every image of the stacks in the place of its own, for clusters that reach no other")
	flags.StringVar(&o.settings.PullSecret, "image-pull-secret", "", "name of the Secret in each tenant's namespace with which its pods pull images")
	flags.StringVar(&o.settings.Release, "release", version, "name of the stack release that this operator brings")
	flags.StringVar(&o.settings.Operator.Namespace, "namespace", getenv("POD_NAMESPACE"), "namespace the operator runs in (default: $POD_NAMESPACE)")
	flags.StringVar(&o.settings.Operator.ServiceAccount, "service-account", "cmhf-operator", "service account the operator runs as")
	flags.Func("cluster-cidrs", "address ranges of the cluster's pods and Services, separated by commas; tenants' way out to the identity provider leaves them out", func(value string) error {
		var err error
		o.settings.ClusterCIDRs, err = cidrs(value)
		return err
	})
	flags.StringVar(&o.settings.DefaultEngine, "default-database-engine", stack.EngineStandalone, "engine of a new tenant whose spec names none: CloudNativePG or Standalone; tenants that exist keep theirs")
	flags.StringVar(&o.settings.CloudNativePG, "cloudnativepg-namespace", "cnpg-system", "namespace of the CloudNativePG operator, which tenants' database pods let in")
	var apiServer stack.Addresses
	flags.Func("api-server-cidrs", "addresses of the API server, separated by commas, that the pods of CloudNativePG may talk to (default: those of Service and EndpointSlice kubernetes in namespace default)", func(value string) error {
		var err error
		apiServer.CIDRs, err = cidrs(value)
		return err
	})
	flags.Func("api-server-ports", "ports of the API server at --api-server-cidrs, separated by commas (default 443,6443)", func(value string) error {
		for text := range strings.SplitSeq(value, ",") {
			port, err := strconv.ParseUint(text, 10, 16)
			if err != nil || port == 0 {
				return fmt.Errorf("%q is no port", text)
			}
			apiServer.Ports = append(apiServer.Ports, int64(port))
		}
		return nil
	})
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", ":8443", "address of the metrics endpoint (https, callers are authenticated and authorised); 0 turns it off")
	flags.StringVar(&o.probeAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	flags.BoolVar(&o.leaderElection, "leader-elect", true, "elect a leader, so that several replicas can stand by")
	flags.BoolVar(&o.throughProxy, "tenants-through-api-server", false, "reach tenants' APIs through the API server's service proxy, for an operator outside the cluster")
	flags.StringVar(&level, "log-level", "info", "debug, info, warn or error")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var problems []error
	if err := o.logLevel.UnmarshalText([]byte(level)); err != nil {
		problems = append(problems, fmt.Errorf("--log-level %q: must be debug, info, warn or error", level))
	}
	if engine := o.settings.DefaultEngine; engine != stack.EngineStandalone && engine != stack.EngineCloudNativePG {
		problems = append(problems, fmt.Errorf("--default-database-engine %q: must be %s or %s", engine, stack.EngineCloudNativePG, stack.EngineStandalone))
	}
	switch {
	case len(apiServer.CIDRs) > 0:
		if len(apiServer.Ports) == 0 {
			apiServer.Ports = []int64{443, 6443}
		}
		o.settings.APIServer = []stack.Addresses{apiServer}
	case len(apiServer.Ports) > 0:
		problems = append(problems, errors.New("--api-server-ports: the ports of which addresses? Give --api-server-cidrs too"))
	}
	if flags.NArg() > 0 {
		problems = append(problems, fmt.Errorf("unexpected argument %q: every option begins with --", flags.Arg(0)))
	}
	for _, required := range []struct{ flag, value string }{
		{"--coordination-api-image", images.CoordinationAPI}, {"--dashboard-image", images.Dashboard},
		{"--postgres-image", images.Postgres}, {"--namespace", o.settings.Operator.Namespace}, {"--release", o.settings.Release},
	} {
		if required.value == "" {
			problems = append(problems, fmt.Errorf("%s is required", required.flag))
		}
	}
	if _, err := images.From(o.settings.Registry); err != nil && len(problems) == 0 {
		problems = append(problems, fmt.Errorf("--registry: %w", err))
	}
	return o, errors.Join(problems...)
}

func cidrs(value string) ([]string, error) {
	list := strings.Split(value, ",")
	for _, cidr := range list {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			return nil, fmt.Errorf("%q is no CIDR such as 10.244.0.0/16", cidr)
		}
	}
	return list, nil
}
