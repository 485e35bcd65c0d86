package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"
)

// keySet tells a key that could not be fetched from a signature that is wrong; the library's verifier turns both into the
// same text.
type keySet struct {
	remote *oidc.RemoteKeySet
}

type fetchKey struct{}

// fetchOutcome carries the failure to fetch keys, if any, past the verifier.
type fetchOutcome struct{ err error }

func (k *keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.remote.VerifySignature(ctx, jwt)
	var transport *url.Error
	if outcome, ok := ctx.Value(fetchKey{}).(*fetchOutcome); ok && err != nil && errors.As(err, &transport) {
		outcome.err = err
	}
	return payload, err
}

var errFetchingTooOften = errors.New("signing keys were asked for too often")

// boundedTransport refuses requests beyond its rate, and makes an answer other than 200 an error of the transport, so that a
// provider that answers "not now" counts as away.
type boundedTransport struct {
	limit *rate.Limiter
}

func (t *boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.limit.Allow() {
		return nil, errFetchingTooOften
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("the signing keys' address answered %s", response.Status), response.Body.Close())
	}
	return response, nil
}
