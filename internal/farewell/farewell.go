// Package farewell has callers of a server leave before its port is shut. A connection that they keep for later would end the moment that
// they use it again, and a request to change something is not repeated by a proxy.
package farewell

import (
	"net/http"
	"sync/atomic"
)

// Farewell tells callers to leave from the moment that it is set to true.
type Farewell struct{ atomic.Bool }

// Tell wraps the server's handler: each answer that is given after the farewell has begun asks to end its connection.
func (f *Farewell) Tell(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
