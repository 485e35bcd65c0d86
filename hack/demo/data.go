package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"

	"github.com/cmhf/operator/internal/testkit/apiclient"
)

// activity is what a tenant's demonstration holds: people referred, of whom some are accepted, of whom some have moved on with
// support. The numbers are invented.
type activity struct {
	tenant                       string
	services                     []string
	referred, accepted, finished int
}

var activities = []activity{
	{"qop", []string{"salford-core", "stockport-core", "bolton-core"}, 120, 84, 31},
	{"qsl", []string{"mendip-core", "taunton-core"}, 48, 33, 12},
	{"z9b2z", []string{"camden-core", "ealing-core", "westminster-core"}, 9, 6, 2},
}

var routes = []string{"Self", "GP", "VCSE", "GP", "Carer", "SocialCare", "WalkIn", "GP", "Online"}

// load puts the activity in through the public API, as a referral system and a clinical system would. Every call carries a key,
// so that a second run adds nothing.
func (d *demo) load(ctx context.Context) error {
	tenants, ctx := errgroup.WithContext(ctx)
	for _, a := range activities {
		tenants.Go(func() error {
			referrals := d.cluster.SignIn(ctx, a.tenant, "referrals-"+a.tenant, "demo")
			clinical := d.cluster.SignIn(ctx, a.tenant, "clinical-"+a.tenant, "demo")
			for n := range a.referred {
				if err := a.person(ctx, referrals, clinical, n); err != nil {
					return fmt.Errorf("person %d of %s: %w", n, a.tenant, err)
				}
			}
			return nil
		})
	}
	return tenants.Wait()
}

func (a activity) person(ctx context.Context, referrals, clinical *apiclient.Tenant, n int) error {
	key := func(step string) string { return fmt.Sprintf("demo-%s-%s-%d", a.tenant, step, n) }
	var referral apiclient.Referral
	var episode string
	err := patiently(func() (err error) {
		referral, err = referrals.Refer(ctx, key("refer"), apiclient.SyntheticPerson(n), a.services[n%len(a.services)], routes[n%len(routes)], 3+n*2%300)
		return err
	}, 60)
	if err != nil || n >= a.accepted {
		return err
	}
	err = patiently(func() (err error) {
		episode, err = clinical.Accept(ctx, key("accept"), referral.ID)
		return err
	}, 60)
	if err != nil || n >= a.finished {
		return err
	}
	return patiently(func() error { return clinical.CloseWithSupport(ctx, key("close"), episode) }, 60)
}

// patiently repeats a call for some seconds while what it needs is being started; calls that write have a key that allows it.
func patiently(call func() error, seconds int) error {
	away := func(err error) bool {
		var problem *apiclient.Problem
		return !errors.As(err, &problem) || problem.Status == http.StatusServiceUnavailable || problem.Status == http.StatusBadGateway
	}
	return retry.OnError(wait.Backoff{Steps: seconds, Duration: time.Second}, away, call)
}
