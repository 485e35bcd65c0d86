package frontdoor

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"time"
)

// Config says which names are served and where they lead.
type Config struct {
	Zone        string // names end in this, without a leading dot
	ClusterZone string // the cluster's own DNS zone
	Port        int    // Service port behind every name
	DNS         string // address of the cluster's DNS server, with port
}

// errNoService says that the cluster's DNS has no such Service.
var errNoService = errors.New("no such Service")

// Handler proxies requests to the Services that their hosts name.
func Handler(c Config) http.Handler {
	d := dialer{config: c, resolver: &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, c.DNS)
		},
	}}
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1, // pass streams on as they come
		Transport: &http.Transport{
			DialContext:         d.dial,
			MaxIdleConnsPerHost: 64,
			IdleConnTimeout:     5 * time.Second, // pods come and go
			DisableCompression:  true,
		},
		Rewrite: func(r *httputil.ProxyRequest) {
			target, _ := ParseHost(r.In.Host, c.Zone)
			r.Out.URL.Scheme = "http"
			r.Out.URL.Host = net.JoinHostPort(target.DNS(c.ClusterZone), strconv.Itoa(c.Port))
			r.Out.Host = r.In.Host
			// The trace of earlier proxies is kept: the pod that calls by this
			// name may itself be one.
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			r.SetXForwarded()
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) { explain(c, w, r, err) },
		ErrorLog:     log.Default(),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := ParseHost(r.Host, c.Zone); !ok {
			http.Error(w, fmt.Sprintf("%q names no Service.\n\nUse http://<service>.<namespace>.%s: it leads to port %d of the Service <service> in namespace <namespace>.",
				r.Host, c.Zone, c.Port), http.StatusNotFound)
			return
		}
		proxy.ServeHTTP(w, r)
	})
}

// explain tells the caller what was looked for and what is wrong with it.
func explain(c Config, w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the caller has gone
	}
	target, _ := ParseHost(r.Host, c.Zone)
	looked := fmt.Sprintf("Service %q in namespace %q, port %d", target.Service, target.Namespace, c.Port)
	why := "it broke off: " + err.Error()
	var op *net.OpError
	switch {
	case errors.Is(err, errNoService):
		why = "there is no such Service"
	case errors.As(err, &op) && op.Op == "dial":
		why = "it has no endpoint that is ready on this port (" + op.Err.Error() + ")"
	}
	http.Error(w, fmt.Sprintf("Looked for %s: %s.", looked, why), http.StatusBadGateway)
}

type dialer struct {
	config   Config
	resolver *net.Resolver
}

func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addresses, err := d.resolver.LookupNetIP(ctx, "ip4", host)
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return nil, fmt.Errorf("%w: %s", errNoService, host)
	}
	if err != nil {
		return nil, fmt.Errorf("ask the cluster's DNS for %s: %w", host, err)
	}
	var conn net.Conn
	for _, a := range addresses {
		if conn, err = (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, network, net.JoinHostPort(a.String(), port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}
