package integratedcaresystem

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kinds of Kubernetes that phases read by name or list.
var (
	namespaceKind   = corev1.SchemeGroupVersion.WithKind("Namespace")
	configMapKind   = corev1.SchemeGroupVersion.WithKind("ConfigMap")
	secretKind      = corev1.SchemeGroupVersion.WithKind("Secret")
	claimKind       = corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim")
	statefulSetKind = appsv1.SchemeGroupVersion.WithKind("StatefulSet")
	deploymentKind  = appsv1.SchemeGroupVersion.WithKind("Deployment")
	jobKind         = batchv1.SchemeGroupVersion.WithKind("Job")
	scheduleKind    = batchv1.SchemeGroupVersion.WithKind("CronJob")
	roleBindingKind = rbacv1.SchemeGroupVersion.WithKind("RoleBinding")
)

// named is an object of which only the identity is known; cluster-scoped ones have no namespace.
func named(kind schema.GroupVersionKind, namespace, name string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	object.SetNamespace(namespace)
	object.SetName(name)
	return object
}

func list(kind schema.GroupVersionKind) *unstructured.UnstructuredList {
	objects := &unstructured.UnstructuredList{}
	objects.SetGroupVersionKind(kind)
	return objects
}
