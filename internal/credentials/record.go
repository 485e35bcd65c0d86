package credentials

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/cmhf/operator/api/v1alpha1"
)

// Phase of a rotation. Each begins with the write of the record that names it, so that an operator which dies goes on where it was.
type Phase string

const (
	// Idle: no rotation runs.
	Idle Phase = ""
	// Preparing: the next generation is made beside the current one, its logins too, and the dashboard learns to read its sessions.
	Preparing Phase = "Preparing"
	// Switching: the next generation has become the current one; programs roll to it while the previous one still works.
	Switching Phase = "Switching"
	// Retiring: nothing uses the previous generation any more; it is being taken out of the database and deleted.
	Retiring Phase = "Retiring"
)

// Record says which generation a tenant has. It is an annotation of the namespace, where it outlives the IntegratedCareSystem; a
// tenant that was never rotated has none.
type Record struct {
	// Generation that programs get, from 1.
	Generation int64 `json:"generation"`
	Phase      Phase `json:"phase,omitempty"`
	// Oldest generation that pods may still use, where a Secret was lost during a rotation and another one follows before the first
	// has ended; otherwise zero.
	Oldest int64 `json:"oldest,omitempty"`
	// Since when it is current; zero where that is the creation of its Secrets.
	Since time.Time `json:"since,omitzero"`
	// Request is the value of the last request to rotate that was acted on.
	Request string `json:"request,omitempty"`
	// Revision grows with every write, to tell a record in a cache that lags behind.
	Revision int64 `json:"revision"`
}

// ReadRecord reads a namespace's annotations.
func ReadRecord(annotations map[string]string) (Record, error) {
	record := Record{Generation: 1}
	text, found := annotations[v1alpha1.AnnotationCredentials]
	if !found {
		return record, nil
	}
	if err := json.Unmarshal([]byte(text), &record); err != nil {
		return record, fmt.Errorf("reading annotation %s: %w", v1alpha1.AnnotationCredentials, err)
	}
	switch record.Phase {
	case Idle, Preparing, Switching, Retiring:
	default:
		return record, fmt.Errorf("annotation %s names phase %q, which there is not", v1alpha1.AnnotationCredentials, record.Phase)
	}
	if previous := record.Previous(); record.Generation < 1 || record.Oldest < 0 || record.Oldest > record.Generation || (record.Phase != Idle && record.Phase != Preparing && previous < 1) {
		return record, fmt.Errorf("annotation %s names generation %d in phase %q, which there is not", v1alpha1.AnnotationCredentials, record.Generation, record.Phase)
	}
	return record, nil
}

// Text is the annotation's value.
func (r Record) Text() string {
	raw, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("encoding a credentials record: %v", err)) // strings, numbers and a time
	}
	return string(raw)
}

// Next and Previous generation.
func (r Record) Next() int64     { return r.Generation + 1 }
func (r Record) Previous() int64 { return r.Generation - 1 }

// oldest generation that something may still log in with.
func (r Record) oldest() int64 {
	switch {
	case r.Oldest > 0:
		return r.Oldest
	case r.Phase == Switching || r.Phase == Retiring:
		return r.Previous()
	}
	return r.Generation
}

// Again gives the record for a rotation to the next generation instead of the one that is under way: a Secret of it is lost.
func (r Record) Again() Record {
	r.Oldest, r.Phase = r.oldest(), Preparing
	return r
}

// Anew gives the record of a tenant whose database is made anew, with the logins of the first generation.
func (r Record) Anew() Record {
	return Record{Generation: 1, Request: r.Request, Revision: r.Revision}
}

// Later are the names of all Secrets of later generations than the first.
func (r Record) Later() []string {
	return slices.DeleteFunc(r.Names(), func(name string) bool {
		return name == Logins || slices.ContainsFunc(kinds, func(k kind) bool { return k.purpose == name })
	})
}

// FirstLogins says whether something may still log in as the logins of the first generation.
func (r Record) FirstLogins() bool {
	return r.Phase != Retiring && r.oldest() == 1
}

// OwnerLogin of a later generation than the first.
type OwnerLogin struct {
	Role, Secret string
	// Retired: nobody may log in as it any more.
	Retired bool
}

// LaterOwners are the owner's logins of later generations whose state is certain: the current one, and those that were retired last,
// because a retirement can be undone by who has yet to learn of it. One that is being replaced is neither.
func (r Record) LaterOwners() []OwnerLogin {
	var owners []OwnerLogin
	oldest := r.Previous()
	if r.Phase == Retiring {
		oldest = r.oldest()
	}
	replaced := r.Phase == Switching || r.Phase == Preparing && r.Oldest > 0
	for generation := max(oldest, 2); generation < r.Generation && !replaced; generation++ {
		owners = append(owners, OwnerLogin{Role: ownerLogin(generation), Retired: true})
	}
	if r.Generation > 1 {
		owners = append(owners, OwnerLogin{Role: r.OwnerLogin(), Secret: Name(DatabaseOwner, r.Generation)})
	}
	return owners
}

// OtherSession gives the Secret with the session key that the dashboard reads beside its own, empty when there is none: the next
// one before any replica seals with it, afterwards the previous one, so that nobody is signed out.
func (r Record) OtherSession() string {
	switch {
	case r.Phase == Preparing:
		return Name(DashboardSession, r.Next())
	case r.Generation > 1:
		return Name(DashboardSession, r.Previous())
	}
	return ""
}

// Retired are the names of Secrets that nothing needs once the phase Retiring is done.
func (r Record) Retired() []string {
	var names []string
	for generation := r.oldest(); generation < r.Generation; generation++ {
		names = append(names, Name(DatabaseApp, generation), Name(APIInternal, generation), Name(DatabaseOwner, generation))
		if generation > 1 {
			// The previous session key is still read; the one before that is not.
			names = append(names, Name(DashboardSession, generation-1))
		}
	}
	return names
}

// logins are the generations that the database lets in, the current one last.
func (r Record) logins() []int64 {
	var generations []int64
	if r.Phase == Preparing {
		generations = append(generations, r.Next())
	}
	if r.Phase != Retiring {
		for generation := r.oldest(); generation < r.Generation; generation++ {
			generations = append(generations, generation)
		}
	}
	return append(generations, r.Generation)
}

// The owner's and the app's login of the current generation, which stay when others are retired.
func (r Record) OwnerLogin() string { return ownerLogin(r.Generation) }
func (r Record) AppLogin() string   { return appLogin(r.Generation) }

// Names are those of all Secrets that the record allows for, in use, being made or being retired.
func (r Record) Names() []string {
	names := []string{Logins}
	for generation := max(1, min(r.Generation-2, r.oldest()-1)); generation <= r.Next(); generation++ {
		for _, kind := range kinds {
			names = append(names, Name(kind.purpose, generation))
		}
	}
	return names
}
