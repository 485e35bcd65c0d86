// Package stack renders what one tenant runs. Its duty: from Inputs, everything a release and a tenant's settings say, make
// the exact objects to apply, in the order in which they are applied. It is pure: the same inputs give the same bytes, and
// it reads neither the cluster nor the clock.
//
// The objects come from plain kustomize directories under kustomize/ that a person can build with kubectl kustomize. They
// are made at two levels: built once by kustomize for a set of components (L1), then copied for each tenant with its names,
// sizes and settings laid over (L2). What depends on the content of the result (the migration's name, the hashes) is settled last.
//
// It does not apply anything, and it makes no Secrets: those are created once and never rendered (see package credentials).
package stack

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/robfig/cron/v3"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/credentials"
	"github.com/cmhf/operator/internal/patch"
)

// Engines that run a tenant's database.
const (
	// EngineStandalone is one PostgreSQL server on its own volume.
	EngineStandalone = "Standalone"
	// EngineCloudNativePG is a primary with standbys, run by the CloudNativePG operator.
	EngineCloudNativePG = "CloudNativePG"
	// EngineExternal is a server that someone else runs.
	EngineExternal = "External"
)

// Engines are all of them, in the order of their names.
var Engines = []string{EngineCloudNativePG, EngineExternal, EngineStandalone}

// DurabilityPreferred lets a database go on without a standby; the other is Required.
const DurabilityPreferred = "Preferred"

// Inputs is everything that decides what a tenant's stack looks like.
type Inputs struct {
	// Name of the IntegratedCareSystem: the lower-case ODS code.
	Name string
	// ODSCode in upper case.
	ODSCode     string
	DisplayName string
	Namespace   string
	// Set is the id of the ApplySet that the objects are members of.
	Set     string
	Release string
	// Hibernated stacks have no pods.
	Hibernated bool
	// ReadOnly stacks answer reads and refuse changes of records.
	ReadOnly bool
	// Synthetic says that the tenant holds invented people only.
	Synthetic bool
	Images    Images
	// Registry holds the images in the place of their own registries; PullSecret is the Secret in the tenant's namespace that opens
	// it. Either may be empty.
	Registry, PullSecret string

	// Issuer is the URL of the OpenID Connect provider; Audience what access tokens must carry.
	Issuer, Audience string

	Database Database
	// Credentials says by which names programs get their Secrets, and how far a rotation is.
	Credentials credentials.Record
	// NextLogins identifies the Secrets that the Job of a rotation makes logins from: others need a Job of their own.
	NextLogins string
	// LostSecrets are those of the current generation that are gone and will be replaced by the next one's.
	LostSecrets []string

	CoordinationAPI, Dashboard Program
	Exposure                   Exposure

	// EgressCIDRs are the addresses of the identity provider. Without any, every address outside ClusterCIDRs (the ranges of the
	// cluster's own pods and Services) counts as one.
	EgressCIDRs, ClusterCIDRs []string

	// DigitalLeads may declare services and read their own IntegratedCareSystem.
	DigitalLeads []Subject

	// Patches of the tenant, applied after every setting.
	Patches []patch.Patch

	Operator Operator
	// CloudNativePG is the namespace of that operator.
	CloudNativePG string
	// APIServer is where the API server of Kubernetes is, for pods that talk to it.
	APIServer []Addresses
}

// Database says what runs the tenant's database and on what.
type Database struct {
	Engine string
	// StorageSize is a Kubernetes quantity; an empty StorageClass means the cluster's default.
	StorageSize, StorageClass string
	Resources                 Resources
	Backup                    Backup

	// Instances, Durability and Parameters of PostgreSQL are CloudNativePG's.
	Instances  int64
	Durability string
	Parameters map[string]string
	// VolumeSnapshots and ObjectStore are CloudNativePG's own backups, each empty where there is none.
	VolumeSnapshots VolumeSnapshots
	ObjectStore     ObjectStore

	External External
	// Restore is empty where the database starts empty, and once it has served.
	Restore Restore
}

// Restore says what an empty database is filled from.
type Restore struct {
	// Backup is the name of a folder on the volume of Claim; ODSCode says whose backup it is.
	Backup, ODSCode, Claim string
}

// Backup says when the database is backed up, and onto what.
type Backup struct {
	// Schedule in cron's five fields, UTC.
	Schedule      string
	Suspended     bool
	RetentionDays int64
	// StorageSize and StorageClass of the volume for backups.
	StorageSize, StorageClass string
}

// VolumeSnapshots says when CloudNativePG takes snapshots of the volumes, in cron's five fields.
type VolumeSnapshots struct{ Class, Schedule string }

// ObjectStore says where CloudNativePG archives every change to, and when it puts a base backup there, in cron's five fields.
type ObjectStore struct {
	// Name of the plugin's own resource in the tenant's namespace.
	Name, Schedule string
	// CIDRs are the store's addresses. Without any, every address outside the cluster's own ranges counts as one.
	CIDRs []string
	Port  int64
}

// External says where a database is that someone else runs.
type External struct {
	Host     string
	Port     int64
	Database string
	// SSLMode is libpq's word for how the server is checked.
	SSLMode string
	// Secret holds the logins and, with Authority, the certificate of the authority that vouches for the server. SecretVersion
	// changes with its content.
	Secret, SecretVersion string
	Authority             bool
	// CIDRs are the server's addresses. Without any, every address outside the cluster's own ranges counts as one.
	CIDRs []string
}

// Addresses are where a server is, and at which TCP ports it answers there.
type Addresses struct {
	CIDRs []string
	Ports []int64
}

// Program is the coordination API or the dashboard.
type Program struct {
	// URL is where people and systems reach it.
	URL string
	// Replicas is the number of pods; with Autoscaling it says nothing.
	Replicas    int64
	Autoscaling Autoscaling
	Resources   Resources
	// TLSSecret holds the certificate for the URL, for an Ingress; empty means the ingress controller's own.
	TLSSecret string
}

// Exposure says by what the programs are reached from outside the cluster: by an Ingress, a route of a Gateway, or nothing of the
// stack when it is empty.
type Exposure struct {
	Type v1alpha1.ExposureType
	// IngressClass is empty for the cluster's default class.
	IngressClass string
	Gateway      Gateway
}

// Gateway is one of the Gateway API; an empty Section means every listener that fits.
type Gateway struct{ Name, Namespace, Section string }

// Autoscaling leaves the number of pods to the cluster. Without a Max there is none.
type Autoscaling struct {
	Min, Max int64
	// CPU is the use of CPU to keep to, in percent of what the pods request.
	CPU int64
}

// fewest is the smallest number of pods that the program is meant to have.
func (p Program) fewest() int64 {
	if p.Autoscaling.Max > 0 {
		return p.Autoscaling.Min
	}
	return p.Replicas
}

// Resources of one pod, as Kubernetes quantities; what is empty is left as the base has it.
type Resources struct{ Requests, Limits Amounts }

// Amounts of CPU and memory.
type Amounts struct{ CPU, Memory string }

// Subject is a person or group as the cluster authenticates them: Kind is User or Group.
type Subject struct{ Kind, Name string }

// Operator says where the operator itself runs: the one that may call the API's internal port and make Secrets.
type Operator struct {
	Namespace, ServiceAccount string
}

// Check reports what is missing before anything is rendered from it.
func (in Inputs) Check() error {
	for _, field := range []struct{ name, value string }{
		{"name", in.Name}, {"ODS code", in.ODSCode}, {"display name", in.DisplayName}, {"namespace", in.Namespace},
		{"release", in.Release}, {"set", in.Set}, {"coordination API image", in.Images.CoordinationAPI}, {"dashboard image", in.Images.Dashboard},
		{"PostgreSQL image", in.Images.Postgres}, {"issuer", in.Issuer}, {"audience", in.Audience}, {"dashboard URL", in.Dashboard.URL},
		{"backup schedule", in.Database.Backup.Schedule}, {"backup storage size", in.Database.Backup.StorageSize}, {"operator namespace", in.Operator.Namespace}, {"operator service account", in.Operator.ServiceAccount},
	} {
		if field.value == "" {
			return fmt.Errorf("rendering the stack of %q: no %s given", in.Name, field.name)
		}
	}
	if err := in.checkSchedules(); err != nil {
		return err
	}
	return in.checkDatabase()
}

// checkSchedules reads the schedules as those do that follow them.
func (in Inputs) checkSchedules() error {
	for _, of := range []struct{ field, schedule string }{
		{"schedule", in.Database.Backup.Schedule},
		{"volumeSnapshots.schedule", in.Database.VolumeSnapshots.Schedule},
		{"objectStore.schedule", in.Database.ObjectStore.Schedule},
	} {
		if of.schedule == "" {
			continue
		}
		if _, err := cron.ParseStandard(of.schedule); err != nil {
			return fmt.Errorf("rendering the stack of %q: spec.stack.database.backup.%s %q: %w", in.Name, of.field, of.schedule, err)
		}
	}
	return nil
}

func (in Inputs) checkDatabase() error {
	missing := func(what string) error { return fmt.Errorf("rendering the stack of %q: no %s given", in.Name, what) }
	switch database := in.Database; {
	case !slices.Contains(Engines, database.Engine):
		return fmt.Errorf("rendering the stack of %q: unknown database engine %q (known: %s)", in.Name, database.Engine, strings.Join(Engines, ", "))
	case database.Engine == EngineExternal:
		if external := database.External; external.Host == "" || external.Port == 0 || external.Database == "" || external.SSLMode == "" || external.Secret == "" {
			return missing("place of the external database")
		}
	case database.StorageSize == "":
		return missing("storage size")
	case database.Engine == EngineCloudNativePG && database.Instances < 1:
		return missing("number of instances")
	case database.Engine == EngineCloudNativePG && in.CloudNativePG == "":
		return missing("namespace of CloudNativePG")
	case database.Engine == EngineCloudNativePG && len(in.APIServer) == 0:
		return missing("address of the API server")
	}
	return nil
}

// issuerPort is the TCP port of the identity provider, for the network policy.
func (in Inputs) issuerPort() (int64, error) {
	u, err := url.Parse(in.Issuer)
	if err != nil {
		return 0, fmt.Errorf("reading the issuer's URL: %w", err)
	}
	switch {
	case u.Port() != "":
		return strconv.ParseInt(u.Port(), 10, 32)
	case u.Scheme == "http":
		return 80, nil
	default:
		return 443, nil
	}
}
