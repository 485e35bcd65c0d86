package frontdoor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Serve serves HTTP by name on the given sockets and forwards connections of the
// API socket to the address of the API server. It returns when one of them fails
// or the context ends.
func Serve(ctx context.Context, c Config, web []net.Listener, api net.Listener, apiServer string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var serving sync.WaitGroup
	server := &http.Server{
		Handler:           Handler(c),
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          log.Default(),
	}
	for _, listener := range web {
		serving.Go(func() {
			cancel(fmt.Errorf("serve %s: %w", listener.Addr(), server.Serve(listener)))
		})
	}
	serving.Go(func() { cancel(forward(api, apiServer)) })
	<-ctx.Done()
	server.Close()
	api.Close()
	serving.Wait()
	return context.Cause(ctx)
}

// forward copies every connection of the listener to and from the address.
func forward(listener net.Listener, address string) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return fmt.Errorf("accept on %s: %w", listener.Addr(), err)
		}
		go func() {
			defer conn.Close()
			if err := splice(conn, address); err != nil && !errors.Is(err, net.ErrClosed) {
				log.Printf("forward to %s: %v", address, err)
			}
		}()
	}
}

// splice copies in both directions and passes a half-close on.
func splice(from net.Conn, address string) error {
	to, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return err
	}
	defer to.Close()
	var copying sync.WaitGroup
	copying.Go(func() { passOn(to, from) })
	passOn(from, to)
	copying.Wait()
	return nil
}

func passOn(to, from net.Conn) {
	_, err := io.Copy(to, from)
	half, ok := to.(*net.TCPConn)
	if err != nil || !ok {
		to.Close()
		from.Close()
		return
	}
	_ = half.CloseWrite()
}
