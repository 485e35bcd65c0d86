package main

import (
	"context"
	"fmt"
	"net/http"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/cmhf/operator/controllers"
	"github.com/cmhf/operator/controllers/corecommunityservice"
	"github.com/cmhf/operator/internal/clusterversion"
	"github.com/cmhf/operator/internal/credentials"
	"github.com/cmhf/operator/internal/reach"
	"github.com/cmhf/operator/internal/tenantapi"
)

// leaderElectionID names the lease.
const leaderElectionID = "cmhf-operator"

func run(ctx context.Context, o options) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster (in a pod, or by KUBECONFIG): %w", err)
	}
	// Server-side apply of a whole country at start is bursty; the API server's own fairness limits us where it must.
	config.QPS, config.Burst = -1, 0
	api, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client of the API server: %w", err)
	}
	if err := clusterversion.Check(api); err != nil {
		return err
	}
	scheme, err := controllers.Scheme()
	if err != nil {
		return err
	}
	cacheOptions, err := controllers.Cache()
	if err != nil {
		return err
	}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         cacheOptions,
		Client:                        controllers.Client(),
		Metrics:                       server.Options{BindAddress: o.metricsAddress, SecureServing: true, FilterProvider: filters.WithAuthenticationAndAuthorization},
		HealthProbeBindAddress:        o.probeAddress,
		LeaderElection:                o.leaderElection,
		LeaderElectionID:              leaderElectionID,
		LeaderElectionNamespace:       o.settings.Operator.Namespace,
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return fmt.Errorf("making the manager (are the resources of cmhf.health installed?): %w", err)
	}
	tenants, err := tenantAPI(o, config, manager.GetClient(), manager.GetAPIReader())
	if err != nil {
		return err
	}
	if err := controllers.Setup(manager, o.settings, tenants); err != nil {
		return err
	}
	if !o.throughProxy { // from outside the cluster it runs as whoever started it
		if err := manager.Add(reach.Watch{Client: manager.GetClient(), Log: ctrl.Log.WithName("reach")}); err != nil {
			return fmt.Errorf("adding the look at the operator's own reach: %w", err)
		}
	}
	if err := manager.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("adding the liveness check: %w", err)
	}
	ready := func(request *http.Request) error {
		if !manager.GetCache().WaitForCacheSync(request.Context()) {
			return fmt.Errorf("the cache is not filled yet")
		}
		return nil
	}
	if err := manager.AddReadyzCheck("cache", ready); err != nil {
		return fmt.Errorf("adding the readiness check: %w", err)
	}
	ctrl.Log.Info("starting", "version", version, "release", o.settings.Release, "namespace", o.settings.Operator.Namespace,
		"serviceAccount", o.settings.Operator.ServiceAccount, "images", o.settings.Images, "registry", o.settings.Registry, "imagePullSecret", o.settings.PullSecret, "defaultDatabaseEngine", o.settings.DefaultEngine, "cloudNativePGNamespace", o.settings.CloudNativePG, "apiServer", o.settings.APIServer, "leaderElection", o.leaderElection, "throughAPIServer", o.throughProxy)
	return manager.Start(ctx)
}

func tenantAPI(o options, config *rest.Config, cached, uncached client.Reader) (corecommunityservice.TenantAPI, error) {
	tokens := func(ctx context.Context, namespace string) ([]string, error) {
		return credentials.InternalTokens(ctx, cached, uncached, namespace)
	}
	if o.throughProxy {
		return tenantapi.ThroughAPIServer(config, tokens)
	}
	return tenantapi.InCluster(tokens), nil
}
