package rest

import (
	"container/list"
	"crypto/sha256"
	"math"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
)

const (
	// burstSeconds is for how many seconds' worth of requests a caller may come at once: a page of a program asks for much in a moment.
	burstSeconds = 2
	// mostCallers bounds the memory of a limiter; an entry is about 250 bytes. Beyond it the caller who has been quiet for longest is
	// forgotten, and has a full allowance when they come again.
	mostCallers = 10_000
)

// limiter gives each caller, a subject with a client, so many requests a second. Each replica counts for itself.
type limiter struct {
	perSecond rate.Limit
	burst     int
	most      int

	mu      sync.Mutex
	callers map[[sha256.Size]byte]*list.Element
	// recent has the caller who came last in front.
	recent *list.List
}

type allowance struct {
	key    [sha256.Size]byte
	bucket *rate.Limiter
}

// newLimiter makes none, which lets everything through, for a rate of zero.
func newLimiter(perSecond float64, most int) *limiter {
	if perSecond <= 0 {
		return nil
	}
	return &limiter{
		perSecond: rate.Limit(perSecond), burst: max(1, int(math.Ceil(burstSeconds*perSecond))), most: most,
		callers: map[[sha256.Size]byte]*list.Element{}, recent: list.New(),
	}
}

// allow takes one request from the caller's allowance. When nothing is left it tells in how many whole seconds there will be.
func (l *limiter) allow(caller access.Caller, now time.Time) (retryAfter int, ok bool) {
	if l == nil {
		return 0, true
	}
	bucket := l.bucket(caller.Fingerprint())
	if bucket.AllowN(now, 1) {
		return 0, true
	}
	missing := 1 - bucket.TokensAt(now)
	return max(1, int(math.Ceil(missing/float64(l.perSecond)))), false
}

func (l *limiter) bucket(key [sha256.Size]byte) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.callers[key]; ok {
		l.recent.MoveToFront(known)
		return known.Value.(*allowance).bucket
	}
	for l.recent.Len() >= l.most {
		quiet := l.recent.Back()
		delete(l.callers, l.recent.Remove(quiet).(*allowance).key)
	}
	made := &allowance{key, rate.NewLimiter(l.perSecond, l.burst)}
	l.callers[key] = l.recent.PushFront(made)
	return made.bucket
}

// tooMany is the problem of a caller whose allowance is used up.
func tooMany(retryAfter int) *problem.Problem {
	return problem.New(problem.TooManyRequests, "You sent more requests than this server takes from one caller; try again in %s seconds.", strconv.Itoa(retryAfter))
}
