package identity

import (
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"github.com/cmhf/operator/internal/coordination/access"
)

const (
	// recheckAfter is for how long a token that was found good is not checked anew. To check a signature is a third of what the API itself does
	// for a small request, and a program sends the same token with each of its requests.
	recheckAfter = time.Minute
	// mostRecent bounds the memory: an entry is about 1 KiB, and there are at most twice as many.
	mostRecent = 4096
)

// recent remembers tokens that were found good a moment ago, by their hash. Expiry counts to the second as ever; a key that its provider
// withdraws is trusted a minute longer at most.
type recent struct {
	mu sync.Mutex
	// newer takes entries until it is full and then becomes older, which is forgotten: what is in use comes again.
	newer, older map[[sha256.Size]byte]remembered
}

type remembered struct {
	caller  access.Caller
	checked time.Time
	expiry  time.Time
}

func (r *recent) find(token string, now time.Time) (access.Caller, bool) {
	key := sha256.Sum256([]byte(token))
	r.mu.Lock()
	found, ok := r.newer[key]
	if !ok {
		found, ok = r.older[key]
	}
	r.mu.Unlock()
	if !ok || now.Sub(found.checked) >= recheckAfter || found.expiry.Before(now.Add(-skew)) {
		return access.Caller{}, false
	}
	return found.copied(), true
}

func (r *recent) remember(token string, caller access.Caller, expiry, now time.Time) {
	entry := remembered{caller, now, expiry}
	entry.caller = entry.copied()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.newer == nil || len(r.newer) >= mostRecent {
		r.newer, r.older = map[[sha256.Size]byte]remembered{}, r.newer
	}
	r.newer[sha256.Sum256([]byte(token))] = entry
}

// copied shares no list with the entry: a request may do with its caller what it likes.
func (e remembered) copied() access.Caller {
	caller := e.caller
	caller.Roles, caller.Services = slices.Clone(caller.Roles), slices.Clone(caller.Services)
	return caller
}
