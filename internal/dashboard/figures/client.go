package figures

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	// requestTimeout leaves the reader of a page an answer before patience ends.
	requestTimeout = 8 * time.Second
	// maxAnswer is many times the largest answer that an ICS can give.
	maxAnswer = 4 << 20
)

// Client asks one coordination API.
type Client struct {
	base    *url.URL
	odsCode string
	http    *http.Client
}

// NewClient makes a client for the API at base, which serves the ICS with the given ODS code.
func NewClient(base *url.URL, odsCode string) *Client {
	return &Client{base: base, odsCode: odsCode, http: &http.Client{
		Timeout: requestTimeout,
		// The API redirects nowhere; following would take the token to another address.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// AtAGlance fetches the front page's statistics.
func (c *Client) AtAGlance(ctx context.Context, call Call) (AtAGlance, error) {
	var g AtAGlance
	if err := c.get(ctx, call, "/v1/statistics/at-a-glance", nil, &g); err != nil {
		return AtAGlance{}, err
	}
	if err := g.check(c.odsCode); err != nil {
		return AtAGlance{}, fmt.Errorf("use the at-a-glance statistics: %w", err)
	}
	return g, nil
}

// Services fetches the core community services of the ICS.
func (c *Client) Services(ctx context.Context, call Call) ([]Service, error) {
	var answer struct {
		Items []Service `json:"items"`
	}
	if err := c.get(ctx, call, "/v1/services", nil, &answer); err != nil {
		return nil, err
	}
	return answer.Items, nil
}

// Call is what accompanies a request: who asks, and the reference under which both programs log it.
type Call struct {
	AccessToken string
	RequestID   string
}

func (c *Client) do(ctx context.Context, call Call, path string, query url.Values, accept string) (*http.Response, error) {
	address := c.base.JoinPath(path)
	address.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", path, err)
	}
	req.Header.Set("Authorization", "Bearer "+call.AccessToken)
	req.Header.Set("Accept", accept)
	req.Header.Set("X-Request-ID", call.RequestID)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", path, err)
	}
	return resp, nil
}

func statusError(path string, status int) error {
	switch status {
	case http.StatusUnauthorized:
		return fmt.Errorf("get %s: status %d: %w", path, status, ErrTokenRefused)
	case http.StatusForbidden:
		return fmt.Errorf("get %s: status %d: %w", path, status, ErrNotAllowed)
	case http.StatusNotFound:
		return fmt.Errorf("get %s: status %d: %w", path, status, ErrNotFound)
	case http.StatusUnprocessableEntity, http.StatusBadRequest:
		return fmt.Errorf("get %s: status %d: %w", path, status, ErrBadFilter)
	}
	return fmt.Errorf("get %s: status %d", path, status)
}

func (c *Client) get(ctx context.Context, call Call, path string, query url.Values, into any) error {
	resp, err := c.do(ctx, call, path, query, "application/json")
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // reading is over; closing cannot fail in a way that matters
	if resp.StatusCode != http.StatusOK {
		return statusError(path, resp.StatusCode)
	}
	// json.Decoder would accept what comes after a complete value; an answer cut or doubled on the way is refused.
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", path, err)
	}
	if len(body) > maxAnswer {
		return fmt.Errorf("read the answer of %s: longer than %d bytes", path, maxAnswer)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return nil
}
