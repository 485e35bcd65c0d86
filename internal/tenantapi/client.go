// Package tenantapi is the operator's client of the coordination API's internal port: it asks what service directory a tenant
// has committed and commits a newer one. It holds no state and does not retry; the caller's queue does.
package tenantapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/cmhf/operator/internal/directory"
)

// timeout of one call; the caller tries again.
const timeout = 10 * time.Second

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 1 << 20

// Client calls the internal port of tenants' APIs.
type Client struct {
	http *http.Client
	// base gives the URL of the internal port in a namespace.
	base func(namespace string) string
	// header carries the token.
	header func(token string) (name, value string)
	// tokens gives the tenant's bearer tokens.
	tokens TokensFunc
}

// TokensFunc gives the bearer tokens of the internal port of the tenant in a namespace: the current one, then one that is being
// replaced and that some replicas may still ask for.
type TokensFunc func(ctx context.Context, namespace string) ([]string, error)

// InCluster returns a client that reaches the Services by their cluster names.
func InCluster(tokens TokensFunc) *Client {
	return &Client{
		http:   &http.Client{Timeout: timeout},
		base:   func(namespace string) string { return "http://coordination-api." + namespace + ".svc:8081" },
		header: func(token string) (string, string) { return "Authorization", "Bearer " + token },
		tokens: tokens,
	}
}

// ThroughAPIServer returns a client for an operator that runs outside the cluster: calls go through the API server's service
// proxy. That proxy keeps the Authorization header for itself, so the token travels in one of its own.
func ThroughAPIServer(config *rest.Config, tokens TokensFunc) (*Client, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("making a client for the API server's service proxy: %w", err)
	}
	client.Timeout = timeout
	return &Client{
		http: client,
		base: func(namespace string) string {
			return strings.TrimSuffix(config.Host, "/") + "/api/v1/namespaces/" + namespace + "/services/coordination-api:8081/proxy"
		},
		header: func(token string) (string, string) { return directory.TokenHeader, token },
		tokens: tokens,
	}, nil
}

// Committed asks what directory the tenant's database holds.
func (c *Client) Committed(ctx context.Context, namespace string) (directory.Committed, error) {
	return c.call(ctx, http.MethodGet, namespace, nil)
}

// Commit writes a directory to the tenant's database and returns when it is committed.
func (c *Client) Commit(ctx context.Context, namespace string, d directory.Directory) (directory.Committed, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return directory.Committed{}, fmt.Errorf("encoding the directory for %s: %w", namespace, err)
	}
	return c.call(ctx, http.MethodPut, namespace, body)
}

// call tries the tokens one after the other, each on the connection of the one before, where the same replica answers.
func (c *Client) call(ctx context.Context, method, namespace string, body []byte) (directory.Committed, error) {
	tokens, err := c.tokens(ctx, namespace)
	if err != nil {
		return directory.Committed{}, err
	}
	err = fmt.Errorf("there is no token of the coordination API of %s", namespace)
	for _, token := range tokens {
		var committed directory.Committed
		committed, err = c.send(ctx, method, namespace, token, body)
		if !errors.Is(err, errUnauthorized) {
			return committed, err
		}
	}
	return directory.Committed{}, err
}

// errUnauthorized: the replica that answered asks for another token.
var errUnauthorized = errors.New("it asks for another token")

func (c *Client) send(ctx context.Context, method, namespace, token string, body []byte) (committed directory.Committed, err error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base(namespace)+"/internal/v1/directory", bytes.NewReader(body))
	if err != nil {
		return committed, fmt.Errorf("making a request to the coordination API of %s: %w", namespace, err)
	}
	name, value := c.header(token)
	request.Header.Set(name, value)
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return committed, fmt.Errorf("calling the coordination API of %s: %w", namespace, err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return committed, fmt.Errorf("reading the answer of the coordination API of %s: %w", namespace, err)
	}
	if response.StatusCode == http.StatusUnauthorized {
		return committed, fmt.Errorf("calling the coordination API of %s: %w", namespace, errUnauthorized)
	}
	if response.StatusCode != http.StatusOK {
		var problem struct{ Title, Detail string }
		_ = json.Unmarshal(raw, &problem) // an answer that is no problem document is told by its status alone
		return committed, fmt.Errorf("the coordination API of %s answered %s to %s of its directory: %s %s",
			namespace, response.Status, method, problem.Title, problem.Detail)
	}
	if err := json.Unmarshal(raw, &committed); err != nil {
		return committed, fmt.Errorf("decoding the answer of the coordination API of %s: %w", namespace, err)
	}
	return committed, nil
}
