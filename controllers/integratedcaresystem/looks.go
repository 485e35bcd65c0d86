package integratedcaresystem

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// How long what a live look found holds, for what no watch tells: Secrets are never watched, and an object without our label is
// not in the cache. Where all is well it is looked at seldom; where something does not come up, the reason may be there.
const (
	looksHoldWhenReady = 10 * time.Minute
	looksHold          = time.Minute
)

// looks remembers when a live look last found nothing to do, so that a tenant that passes many gates asks the API server once and not
// at each of them. What is remembered is never a reason to refuse anything or to make anything.
type looks struct {
	mu sync.Mutex
	at map[look]time.Time
}

// look is what was looked for, in the namespace of that identity: one that was made anew is unknown.
type look struct {
	namespace types.UID
	what      string
}

const lookRecord = "no volume is recorded"

// holds says whether the look was taken within the time.
func (l *looks) holds(seen look, within time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, known := l.at[seen]
	return known && seen.namespace != "" && time.Since(at) < within
}

func (l *looks) remember(seen look) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at == nil {
		l.at = map[look]time.Time{}
	}
	l.at[seen] = time.Now()
}

func (l *looks) forget(seen look) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.at, seen)
}
