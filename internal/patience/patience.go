// Package patience keeps back what a status says of things on their way, for a moment: what has changed again by then need not have
// been told. It remembers since when something is kept back, and nothing else; what may wait is for its callers to say. After a
// restart the moment begins anew.
package patience

import (
	"sync"
	"time"
)

// Hold is for how long at most: a person who watches a system come up sees each state that lasts longer.
const Hold = 2 * time.Second

// News remembers since when the news of resources are kept back. Its zero value keeps back nothing yet.
type News struct {
	mu    sync.Mutex
	since map[string]time.Time
}

// Keep says for how much longer the news of a resource may wait; zero or less when it is time to tell them.
func (n *News) Keep(resource string) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	since, kept := n.since[resource]
	if !kept {
		if n.since == nil {
			n.since = map[string]time.Time{}
		}
		since = time.Now()
		n.since[resource] = since
	}
	return time.Until(since.Add(Hold))
}

// Told ends the wait: there are no news, or they were told, or the resource is gone.
func (n *News) Told(resource string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.since, resource)
}
