package patch

import (
	"slices"
	"strings"
)

// anyKey stands in a path for every key or entry. Under labels and annotations it is every key that is nobody else's; see foreign.
const anyKey = "*"

// metadata that people and tools add to an object.
var metadata = [][]string{{"metadata", "labels", anyKey}, {"metadata", "annotations", anyKey}}

// pods may be placed and marked. What they run, as whom, with which rights and on which data is the stack's.
func pods(template ...string) [][]string {
	fields := slices.Clone(metadata)
	for _, field := range []string{"affinity", "nodeSelector", "priorityClassName", "runtimeClassName", "tolerations", "topologySpreadConstraints"} {
		fields = append(fields, []string{"spec", field})
	}
	for i := range fields {
		fields[i] = slices.Concat(template, fields[i])
	}
	return fields
}

// allowed lists by kind what a patch may change, everything below a path included. docs/integratedcaresystem.md holds the same list for people.
var allowed = map[string][][]string{
	"Deployment": slices.Concat(metadata, pods("spec", "template"), [][]string{
		{"spec", "minReadySeconds"}, {"spec", "progressDeadlineSeconds"}, {"spec", "revisionHistoryLimit"},
	}),
	"StatefulSet":             slices.Concat(metadata, pods("spec", "template")),
	"Job":                     slices.Concat(metadata, pods("spec", "template")),
	"CronJob":                 slices.Concat(metadata, pods("spec", "jobTemplate", "spec", "template")),
	"Service":                 slices.Concat(metadata, [][]string{{"spec", "trafficDistribution"}}),
	"HorizontalPodAutoscaler": slices.Concat(metadata, [][]string{{"spec", "behavior"}}),
	"Ingress":                 metadata,
	"HTTPRoute":               slices.Concat(metadata, [][]string{{"spec", "rules", anyKey, "timeouts"}}),
	"Cluster": slices.Concat(metadata, [][]string{
		{"spec", "affinity"}, {"spec", "priorityClassName"}, {"spec", "topologySpreadConstraints"},
	}),
}

// isAllowed says whether the field at the path, with everything below it, may be changed.
func isAllowed(kind string, path []string) bool {
	return slices.ContainsFunc(allowed[kind], func(pattern []string) bool {
		if len(path) != len(pattern) {
			return false
		}
		for i, part := range pattern {
			switch {
			case part != anyKey:
				if part != path[i] {
					return false
				}
			case i > 0 && (pattern[i-1] == "labels" || pattern[i-1] == "annotations"):
				if !foreign(path[i]) {
					return false
				}
			}
		}
		return true
	})
}

// foreign says whether a label or annotation is neither the operator's nor one that Kubernetes, a network plugin or a controller of Ingresses
// acts on. Those of the cluster autoscaler and some of ingress-nginx are meant to be set by people.
func foreign(key string) bool {
	domain, name, prefixed := strings.Cut(key, "/")
	if !prefixed {
		return true
	}
	within := func(suffix string) bool { return domain == suffix || strings.HasSuffix(domain, "."+suffix) }
	switch {
	case within("cluster-autoscaler.kubernetes.io"):
		return true
	case domain == "nginx.ingress.kubernetes.io":
		return slices.ContainsFunc(tuning, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	}
	return !slices.ContainsFunc([]string{"cmhf.health", "kubernetes.io", "k8s.io", "cni.cncf.io", "cnpg.io",
		"haproxy.org", "haproxy-ingress.github.io", "konghq.com", "nginx.org", "traefik.io", "traefik.containo.us"}, within)
}

// tuning are beginnings of the annotations of ingress-nginx that say how much and how long, and from where: nothing else of what it knows, which
// can lead requests to another host, copy them elsewhere, or put lines into its configuration.
var tuning = []string{"proxy-body-size", "proxy-buffer", "proxy-connect-timeout", "proxy-read-timeout", "proxy-send-timeout", "proxy-max-temp-file-size",
	"client-body-buffer-size", "limit-", "whitelist-source-range", "denylist-source-range"}
