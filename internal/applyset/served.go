package applyset

import (
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

// NotServedError says that the API server knows no such kind, or knows it no longer.
type NotServedError struct{ Kind schema.GroupVersionKind }

func (e *NotServedError) Error() string { return fmt.Sprintf("%s is not served", e.Kind) }

// IsNotServed says whether an error of a client means that the API server knows no such kind, or knows it no longer.
func IsNotServed(err error, kind schema.GroupVersionKind) bool {
	var absent *NotServedError
	return errors.As(servedOr(err, kind), &absent)
}

// servedOr turns what the parts of the client say of a kind that is not there into a *NotServedError. Any other error stays as it is,
// also that an object or its namespace does not exist.
func servedOr(err error, kind schema.GroupVersionKind) error {
	var uncached *cache.ErrResourceNotCached
	unknownPath := apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
	if errors.As(err, &uncached) || meta.IsNoMatchError(err) || unknownPath {
		return &NotServedError{kind}
	}
	return err
}
