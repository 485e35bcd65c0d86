package apiclient

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/cmhf/operator/internal/coordination/nhsnumber"
)

// Referral is what the tests need of a referral.
type Referral struct {
	ID       string `json:"id"`
	PersonID string `json:"personId"`
	State    string `json:"state"`
}

// Person is a synthetic person.
type Person struct {
	NHSNumber  string `json:"nhsNumber"`
	GivenName  string `json:"givenName"`
	FamilyName string `json:"familyName"`
	BirthDate  string `json:"birthDate"`
}

var givenNames = []string{"Amara", "Ben", "Chipo", "Dilys", "Ewan", "Farah", "Grace", "Harjit", "Idris", "Jade"}
var familyNames = []string{"Ashworth", "Begum", "Carter", "Dhillon", "Evans", "Farrell", "Greenhalgh", "Hussain", "Ivory", "Jones"}

// SyntheticPerson makes the n-th invented person. NHS numbers that begin with 999 are never issued.
func SyntheticPerson(n int) Person {
	return Person{
		NHSNumber: syntheticNHSNumber(n),
		GivenName: givenNames[n%len(givenNames)], FamilyName: familyNames[(n/len(givenNames))%len(familyNames)],
		BirthDate: time.Date(1950+n*7%55, time.Month(1+n%12), 1+n%28, 0, 0, 0, 0, time.UTC).Format(time.DateOnly),
	}
}

// syntheticNHSNumber gives the n-th valid number of the range 999 xxx xxxx; about one in eleven has no valid check digit.
func syntheticNHSNumber(n int) string {
	for serial := 0; ; serial++ {
		digits := fmt.Sprintf("999%06d", serial)
		check, ok := nhsnumber.CheckDigit(digits)
		if !ok {
			continue
		}
		if n == 0 {
			return digits + string(check)
		}
		n--
	}
}

// Refer refers a person to a service, received so many days ago.
func (t *Tenant) Refer(ctx context.Context, key string, person Person, service, route string, daysAgo int) (Referral, error) {
	var made Referral
	err := t.Do(ctx, http.MethodPost, "/v1/referrals", key, map[string]any{
		"person": person, "service": service, "route": route,
		"reason":     "Asks for help with low mood and for support with housing.",
		"receivedOn": time.Now().AddDate(0, 0, -daysAgo).Format(time.DateOnly),
	}, &made)
	return made, err
}

// Accept accepts a referral and returns the id of the episode it opens.
func (t *Tenant) Accept(ctx context.Context, key, referral string) (string, error) {
	var episode struct {
		ID string `json:"id"`
	}
	err := t.Do(ctx, http.MethodPost, "/v1/referrals/"+referral+"/acceptance", key, nil, &episode)
	return episode.ID, err
}

// CloseWithSupport closes an episode with a return plan and support that a charity has accepted.
func (t *Tenant) CloseWithSupport(ctx context.Context, key, episode string) error {
	today := time.Now().Format(time.DateOnly)
	return t.Do(ctx, http.MethodPost, "/v1/episodes/"+episode+"/closure", key, map[string]any{
		"reason": "SupportElsewhere",
		"returnPlan": map[string]any{"summary": "A weekly walk and the peer group help.",
			"howToReturn": "Call the service or walk in; no new referral is needed.", "validUntil": time.Now().AddDate(1, 0, 0).Format(time.DateOnly)},
		"acceptance": map[string]any{"recordedBy": "OnBehalf", "name": "Peer support worker", "organisation": "A community charity", "on": today, "channel": "Phone"},
	}, nil)
}

// Tile is one figure of the page At a glance.
type Tile struct {
	ID         string `json:"id"`
	Value      string `json:"value"`
	Suppressed bool   `json:"suppressed"`
}

// AtAGlance reads the figures by tile.
func (t *Tenant) AtAGlance(ctx context.Context) (map[string]Tile, error) {
	var answer struct{ Tiles []Tile }
	if err := t.Do(ctx, http.MethodGet, "/v1/statistics/at-a-glance", "", nil, &answer); err != nil {
		return nil, err
	}
	tiles := map[string]Tile{}
	for _, tile := range answer.Tiles {
		tiles[tile.ID] = tile
	}
	return tiles, nil
}
