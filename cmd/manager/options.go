package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"

	"github.com/cmhf/operator/controllers/integratedcaresystem"
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
	flags.StringVar(&images.Postgres, "postgres-image", "", "image of PostgreSQL for the Standalone engine (required)")
	flags.StringVar(&o.settings.Registry, "registry", "", "registry, with a path if it needs one, that holds every image of the stacks in the place of its own, for clusters that reach no other")
	flags.StringVar(&o.settings.PullSecret, "image-pull-secret", "", "name of the Secret in each tenant's namespace with which its pods pull images")
	flags.StringVar(&o.settings.Release, "release", version, "name of the stack release that this operator brings")
	flags.StringVar(&o.settings.Operator.Namespace, "namespace", getenv("POD_NAMESPACE"), "namespace the operator runs in (default: $POD_NAMESPACE)")
	flags.StringVar(&o.settings.Operator.ServiceAccount, "service-account", "cmhf-operator", "service account the operator runs as")
	flags.Func("cluster-cidrs", "address ranges of the cluster's pods and Services, separated by commas; tenants' way out to the identity provider leaves them out", func(value string) error {
		for cidr := range strings.SplitSeq(value, ",") {
			if _, err := netip.ParsePrefix(cidr); err != nil {
				return fmt.Errorf("%q is no CIDR such as 10.244.0.0/16", cidr)
			}
			o.settings.ClusterCIDRs = append(o.settings.ClusterCIDRs, cidr)
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
