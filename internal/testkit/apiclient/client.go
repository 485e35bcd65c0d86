// Package apiclient is a small client of a tenant's coordination API on a development cluster, for the demonstration and the
// end-to-end tests. It signs in as a system by client credentials and makes synthetic people only, with NHS numbers from the
// range that is never issued.
package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Cluster is a development cluster as this machine reaches it.
type Cluster struct {
	// HTTPPort is the loopback port of every *.cmhf.localhost name.
	HTTPPort int
	// NewConnections makes every call on a connection of its own, as many clients do.
	NewConnections bool
}

// URL is where a Service of the cluster answers.
func (c Cluster) URL(service, namespace string) string {
	return fmt.Sprintf("http://%s.%s.cmhf.localhost:%d", service, namespace, c.HTTPPort)
}

// HTTP returns a client that reaches *.cmhf.localhost on loopback, whatever this machine's resolver says of such names.
func (c Cluster) HTTP() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = c.NewConnections
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", c.HTTPPort))
	}
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

// Tenant calls one tenant's API as one system.
type Tenant struct {
	http *http.Client
	base string
}

// SignIn returns a client for the tenant (its lower-case ODS code) that signs in as the given system of the development
// identity provider.
func (c Cluster) SignIn(ctx context.Context, tenant, client, secret string) *Tenant {
	config := clientcredentials.Config{
		ClientID: client, ClientSecret: secret, TokenURL: c.URL("idp", "identity") + "/oauth/token", AuthStyle: oauth2.AuthStyleInHeader,
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, c.HTTP())
	return &Tenant{http: config.Client(ctx), base: c.URL("coordination-api", "ics-"+tenant)}
}

// At returns the same caller, with its token, calling another tenant.
func (t *Tenant) At(c Cluster, tenant string) *Tenant {
	return &Tenant{http: t.http, base: c.URL("coordination-api", "ics-"+tenant)}
}

// Problem is an answer that is not a success.
type Problem struct {
	Status int
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

func (p *Problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Title, p.Detail) }

// Do sends a JSON body and decodes the answer into out, when given. key makes a POST safe to repeat. Who sends more than the API takes of
// one caller waits as long as it says.
func (t *Tenant) Do(ctx context.Context, method, path, key string, body, out any) error {
	for {
		again, err := t.once(ctx, method, path, key, body, out)
		if again == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(again):
		}
	}
}

// once gives beside the error how soon another try is welcome, zero when none is.
func (t *Tenant) once(ctx context.Context, method, path, key string, body, out any) (again time.Duration, err error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return 0, fmt.Errorf("encoding the body of %s %s: %w", method, path, err)
	}
	if body == nil {
		raw = nil
	}
	request, err := http.NewRequestWithContext(ctx, method, t.base+path, bytes.NewReader(raw))
	if err != nil {
		return 0, fmt.Errorf("making %s %s: %w", method, path, err)
	}
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := t.http.Do(request)
	if err != nil {
		return 0, fmt.Errorf("calling %s %s: %w", method, path, err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return 0, fmt.Errorf("reading the answer to %s %s: %w", method, path, err)
	}
	if response.StatusCode >= 300 {
		problem := &Problem{Status: response.StatusCode}
		_ = json.Unmarshal(answer, problem) // no problem document: the status says it
		if response.StatusCode == http.StatusTooManyRequests {
			seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
			if err != nil {
				return 0, fmt.Errorf("reading Retry-After of the answer to %s %s: %w", method, path, err)
			}
			return time.Duration(max(seconds, 1)) * time.Second, problem
		}
		return 0, problem
	}
	if out == nil {
		return 0, nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return 0, fmt.Errorf("decoding the answer to %s %s: %w", method, path, err)
	}
	return 0, nil
}
