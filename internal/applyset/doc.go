// Package applyset keeps a set of objects in the cluster as rendered: it applies what differs, repairs what others changed,
// and removes members that are no longer rendered. It follows the labels of Kubernetes' ApplySet specification (KEP-3659), so
// that kubectl and people recognise the set.
//
// An object is written only when there is a reason:
//
//  1. it is missing, or its render hash (an annotation written by the same apply) is not the desired one;
//  2. or its ownership hash differs from the one remembered: server-side apply tells in managedFields which fields are ours,
//     and whoever changes or removes one takes it from us, while status writes and additions of others leave it alone.
//
// After a restart nothing is remembered. Then the types of Kubernetes tell what our entry is when all is as it was applied; where it is
// another, or the kind is someone else's, a dry-run apply does. Both find changes made in the meantime without a write.
//
// Immutable fields are compared before anything is written. Kinds that hold data are never removed. The package knows
// nothing of stages or health.
package applyset
