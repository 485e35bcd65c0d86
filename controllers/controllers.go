// Package controllers lists every controller of the operator and what they need. It wires them to a manager and does nothing
// else.
package controllers

import (
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/controllers/corecommunityservice"
	"github.com/cmhf/operator/controllers/integratedcaresystem"
	"github.com/cmhf/operator/internal/apiserver"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/credentials"
	"github.com/cmhf/operator/internal/optionalapi"
	"github.com/cmhf/operator/internal/stack"
)

// Scheme knows the operator's types and those of Kubernetes.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering the types of Kubernetes: %w", err)
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering the types of %s: %w", v1alpha1.Group, err)
	}
	return scheme, nil
}

// Cache holds our own resources, that there are admission policies and, of everything else, only what carries a tenant's label. It holds what is watched and nothing
// else: whoever reads another kind from it is refused, instead of the whole cluster's objects of that kind being fetched.
func Cache() (cache.Options, error) {
	tenants, err := labels.NewRequirement(v1alpha1.LabelICS, selection.Exists, nil)
	if err != nil {
		return cache.Options{}, fmt.Errorf("selecting tenants' objects: %w", err)
	}
	everything := cache.ByObject{Label: labels.Everything(), Transform: cache.TransformStripManagedFields()}
	options := cache.Options{
		DefaultLabelSelector:        labels.NewSelector().Add(*tenants),
		DefaultTransform:            applyset.Trim,
		DefaultWatchErrorHandler:    optionalapi.WatchErrors(stack.OptionalKinds),
		ReaderFailOnMissingInformer: true,
		ByObject: map[client.Object]cache.ByObject{
			&v1alpha1.IntegratedCareSystem{}:                            everything,
			&v1alpha1.CoreCommunityService{}:                            everything,
			optionalapi.Definition():                                    optionalapi.DefinitionsInCache(),
			&admissionregistrationv1.ValidatingAdmissionPolicy{}:        everything,
			&admissionregistrationv1.ValidatingAdmissionPolicyBinding{}: everything,
		},
	}
	return options, nil
}

// Client reads objects of tenants from the cache.
func Client() client.Options {
	return client.Options{Cache: &client.CacheOptions{Unstructured: true}}
}

// What the operator may do, no more: config/rbac/role.yaml is generated from here. It may delete nothing that holds data, and
// reaches Secrets only through the RoleBinding that it makes in each tenant's namespace. For a deletion with deletionPolicy Delete
// it binds cmhf-operator-tenant-removal there, once a last backup is verified, and takes that away afterwards.
//
// +kubebuilder:rbac:groups=cmhf.health,resources=integratedcaresystems,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=cmhf.health,resources=corecommunityservices,verbs=get;list;watch
// +kubebuilder:rbac:groups=cmhf.health,resources=integratedcaresystems/status;corecommunityservices/status,verbs=update
// +kubebuilder:rbac:groups="",resources=namespaces;persistentvolumeclaims,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups="",resources=configmaps;services;serviceaccounts;resourcequotas;limitranges,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=apps,resources=statefulsets,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=autoscaling,resources=horizontalpodautoscalers,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=batch,resources=cronjobs;jobs,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingresses;networkpolicies,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=rolebindings;clusterroles;clusterrolebindings,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=clusterroles,verbs=bind,resourceNames=cmhf-operator-tenant-secrets;cmhf-operator-tenant-removal;cmhf-digital-lead
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingadmissionpolicies;validatingadmissionpolicybindings,verbs=get;list;watch
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,verbs=get;list;watch
// +kubebuilder:rbac:groups=postgresql.cnpg.io,resources=clusters,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=postgresql.cnpg.io,resources=scheduledbackups,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=httproutes,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// Setup adds every controller to the manager.
func Setup(manager ctrl.Manager, settings integratedcaresystem.Settings, api corecommunityservice.TenantAPI) error {
	applier := applyset.New(manager.GetClient())
	reconciler := &integratedcaresystem.Reconciler{
		Client:      manager.GetClient(),
		Uncached:    manager.GetAPIReader(),
		Recorder:    manager.GetEventRecorder("cmhf-operator"),
		Renderer:    stack.NewRenderer(),
		Applier:     applier,
		Credentials: credentials.NewKeeper(manager.GetAPIReader(), manager.GetClient()),
		Settings:    settings,
		APIServer:   apiserver.Given(settings.APIServer),
	}
	if len(settings.APIServer) == 0 {
		watched, err := apiserver.Follow(manager)
		if err != nil {
			return err
		}
		reconciler.APIServer = watched
	}
	for name, controller := range map[string]interface{ SetupWithManager(ctrl.Manager) error }{
		"IntegratedCareSystem": reconciler,
		"CoreCommunityService": &corecommunityservice.Reconciler{
			Client:   manager.GetClient(),
			Recorder: manager.GetEventRecorder("cmhf-operator"),
			Applier:  applier,
			API:      api,
		},
	} {
		if err := controller.SetupWithManager(manager); err != nil {
			return fmt.Errorf("setting up the controller for %s: %w", name, err)
		}
	}
	return nil
}
