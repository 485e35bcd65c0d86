package integratedcaresystem

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/stack"
)

// hostIndex finds systems by the hosts under which they are to be reached from outside.
const hostIndex = "exposed hosts"

// exposedHosts are the hosts of a system by the field that has them; none where nothing of its stack leads in.
func exposedHosts(ics *v1alpha1.IntegratedCareSystem) map[string]string {
	if ptr.Deref(ics.Spec.Stack.Exposure, v1alpha1.Exposure{Type: v1alpha1.ExposureNone}).Type == v1alpha1.ExposureNone {
		return nil
	}
	hosts := map[string]string{}
	for field, raw := range map[string]string{"coordinationAPI": ics.Spec.Stack.CoordinationAPI.URL, "dashboard": ics.Spec.Stack.Dashboard.URL} {
		if address, err := url.Parse(raw); err == nil {
			hosts[field] = stack.Host(address)
		}
	}
	return hosts
}

func indexHosts(object client.Object) []string {
	ics, ok := object.(*v1alpha1.IntegratedCareSystem)
	if !ok {
		return nil
	}
	var hosts []string
	for _, host := range exposedHosts(ics) {
		hosts = append(hosts, host)
	}
	return hosts
}

// sharing lists the other systems that have a host in common with one that came, changed or went.
func (r *Reconciler) sharing(ctx context.Context, object client.Object) []reconcile.Request {
	var requests []reconcile.Request
	for _, host := range indexHosts(object) {
		found := &v1alpha1.IntegratedCareSystemList{}
		if err := r.Client.List(ctx, found, client.MatchingFields{hostIndex: host}); err != nil {
			log.FromContext(ctx).Error(err, "a host may be free now and nobody who waits for it was told", "integratedCareSystem", object.GetName())
		}
		for _, other := range found.Items {
			if other.Name != object.GetName() {
				requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{Name: other.Name}})
			}
		}
	}
	return requests
}

// yieldsHost says whether an object is a way in from outside that is not to be made, because its host leads to another system. Everything
// else goes on without.
func (r *Reconciler) yieldsHost(ctx context.Context, s *scope, object *unstructured.Unstructured) (bool, error) {
	if !slices.Contains(waysIn, object.GroupVersionKind()) {
		return false, nil
	}
	taken, err := r.hostTaken(ctx, s, object)
	if err != nil || taken == nil {
		return false, err
	}
	s.goOnWithout(taken)
	return true, r.giveUp(ctx, object)
}

// hostTaken says who has the host of a way in already, nil when nobody but this system. Two ways for one host would have the ingress
// controller choose whose records people see.
func (r *Reconciler) hostTaken(ctx context.Context, s *scope, way *unstructured.Unstructured) (*refusal, error) {
	field := map[string]string{"coordination-api": "coordinationAPI", "dashboard": "dashboard"}[way.GetName()]
	host := exposedHosts(s.ics)[field]
	found := &v1alpha1.IntegratedCareSystemList{}
	if err := r.Client.List(ctx, found, client.MatchingFields{hostIndex: host}); err != nil {
		return nil, fmt.Errorf("listing the systems with host %s: %w", host, err)
	}
	found.Items = slices.DeleteFunc(found.Items, func(other v1alpha1.IntegratedCareSystem) bool {
		return other.Name != s.ics.Name && !other.DeletionTimestamp.IsZero() // its ways are being closed
	})
	if len(found.Items) < 2 {
		return r.ledElsewhere(ctx, s, way, field, host)
	}
	var holders []v1alpha1.IntegratedCareSystem
	for _, ics := range found.Items {
		holds, err := r.holds(ctx, &ics, host)
		if err != nil {
			return nil, err
		}
		if holds {
			holders = append(holders, ics)
		}
	}
	if len(holders) == 0 {
		holders = found.Items
	}
	first := slices.MinFunc(holders, func(a, b v1alpha1.IntegratedCareSystem) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	if first.Name == s.ics.Name {
		return r.ledElsewhere(ctx, s, way, field, host)
	}
	return &refusal{reason: v1alpha1.ReasonHostTaken, message: fmt.Sprintf("host %s of spec.stack.%s.url leads to IntegratedCareSystem %s already, so nothing there leads to this one; "+
		"give one of the two a host of its own", host, field, first.Name)}, nil
}

// ledElsewhere says whose way still carries a host that this system has yet to be led to under, although its spec names another by now or
// it is being deleted: one that is suspended, or refused for whatever reason, keeps its ways.
func (r *Reconciler) ledElsewhere(ctx context.Context, s *scope, wanted *unstructured.Unstructured, field, host string) (*refusal, error) {
	own, err := applyset.Current(ctx, r.Client, named(wanted.GroupVersionKind(), wanted.GetNamespace(), wanted.GetName()))
	if err != nil || own != nil && carries(own, host) {
		return nil, err
	}
	for _, kind := range waysIn {
		if !slices.Contains(r.kinds(), kind) {
			continue
		}
		ways := list(kind)
		if err := r.Client.List(ctx, ways); err != nil {
			return nil, fmt.Errorf("listing what leads to programs under host %s: %w", host, err)
		}
		for _, way := range ways.Items {
			if holder := way.GetLabels()[v1alpha1.LabelICS]; holder != s.ics.Name && carries(&way, host) {
				return &refusal{v1alpha1.ReasonHostTaken, fmt.Sprintf("host %s of spec.stack.%s.url is still led to IntegratedCareSystem %s by %s, so nothing there leads to this one yet",
					host, field, holder, applyset.Ref(&way)), comesFree}, nil
			}
		}
	}
	return nil, nil
}

// comesFree is how soon another system's way that is about to go is looked for again.
const comesFree = 2 * time.Second

// holds says whether requests for the host are led to the system now.
func (r *Reconciler) holds(ctx context.Context, ics *v1alpha1.IntegratedCareSystem, host string) (bool, error) {
	for _, kind := range waysIn {
		if !slices.Contains(r.kinds(), kind) {
			continue
		}
		for _, name := range []string{"coordination-api", "dashboard"} {
			way, err := applyset.Current(ctx, r.Client, named(kind, ics.TenantNamespace(), name))
			if err != nil {
				return false, err
			}
			if way != nil && carries(way, host) {
				return true, nil
			}
		}
	}
	return false, nil
}

// giveUp closes a way of this system's own under a host that is another's. One that it has under an earlier host stays until the
// spec is mended.
func (r *Reconciler) giveUp(ctx context.Context, desired *unstructured.Unstructured) error {
	way, err := applyset.Current(ctx, r.Client, desired)
	if err != nil || way == nil || way.GetDeletionTimestamp() != nil {
		return err
	}
	for _, host := range hostsOf(desired) {
		if carries(way, host) {
			return r.Applier.Remove(ctx, way)
		}
	}
	return nil
}

func carries(way *unstructured.Unstructured, host string) bool {
	return slices.Contains(hostsOf(way), host)
}

// hostsOf are the hosts of an Ingress or an HTTPRoute.
func hostsOf(way *unstructured.Unstructured) []string {
	hosts, _, _ := unstructured.NestedStringSlice(way.Object, "spec", "hostnames")
	rules, _, _ := unstructured.NestedSlice(way.Object, "spec", "rules")
	for _, rule := range rules {
		if fields, ok := rule.(map[string]any); ok {
			if host, ok := fields["host"].(string); ok {
				hosts = append(hosts, host)
			}
		}
	}
	return hosts
}
