// Package figures fetches what the dashboard shows from the coordination API: published statistics and the list of services.
//
// Every call carries the signed-in person's access token, and the API decides what that person may see. An answer that does
// not keep to the agreement (a figure that is both hidden and told, another ICS's figures) is an error and is never shown.
// The package keeps nothing and receives no data about single persons.
package figures

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrNotAllowed means that the person may not see this (403).
	ErrNotAllowed = errors.New("the coordination API does not allow this")
	// ErrNotFound means that there is no such thing (404), ErrBadFilter that the API does not know what was asked for (400, 422).
	ErrNotFound  = errors.New("the coordination API has no such thing")
	ErrBadFilter = errors.New("the coordination API does not know this filter")
	// ErrTokenRefused means that the API does not accept the person's token (401), whoever it is.
	ErrTokenRefused = errors.New("the coordination API does not accept the access token")
)

// AtAGlance is the front page's statistics.
type AtAGlance struct {
	ICS         ICS       `json:"ics"`
	Synthetic   bool      `json:"synthetic"` // the data are made up
	GeneratedAt time.Time `json:"generatedAt"`
	Period      Period    `json:"period"`
	Rule        string    `json:"rule"` // how small numbers are hidden, in words
	Tiles       []Tile    `json:"tiles"`
}

// ICS names an integrated care system.
type ICS struct {
	ODSCode string `json:"odsCode"`
	Name    string `json:"name"`
}

// Period is the dates that the figures cover, both included.
type Period struct {
	From  Date   `json:"from"`
	To    Date   `json:"to"`
	Label string `json:"label"`
}

// Tile is one figure. It is a count, or suppressed, or (neither) there are no data.
type Tile struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Value       string `json:"value"` // as published: a number, "*" for suppressed, "-" for no data
	Count       *int   `json:"count"`
	Suppressed  bool   `json:"suppressed"`
	Unit        string `json:"unit"`
}

// Service is one core community mental health service.
type Service struct {
	ID             string       `json:"id"`
	Name           string       `json:"name"`
	DisplayName    string       `json:"displayName"`
	State          string       `json:"state"`
	Place          string       `json:"place"`
	Neighbourhoods []string     `json:"neighbourhoods"`
	LeadProvider   Organisation `json:"leadProvider"`
	Functions      []string     `json:"functions"`
}

// Organisation that leads a service.
type Organisation struct {
	ODSCode string `json:"odsCode"`
	Name    string `json:"name"`
}

// Date is a calendar date, written 2026-11-21.
type Date struct{ time.Time }

// UnmarshalJSON reads a date; time.Time's own would want a time of day.
func (d *Date) UnmarshalJSON(raw []byte) error {
	t, err := time.Parse(`"`+time.DateOnly+`"`, string(raw))
	if err != nil {
		return fmt.Errorf("read date: %w", err)
	}
	d.Time = t
	return nil
}

// check refuses statistics that must not be shown or would mislead.
func (g AtAGlance) check(odsCode string) error {
	switch {
	case g.ICS.ODSCode != odsCode:
		return fmt.Errorf("the statistics are those of ICS %q, not %q", g.ICS.ODSCode, odsCode)
	case g.GeneratedAt.IsZero() || g.Period.From.IsZero() || g.Period.To.IsZero():
		return errors.New("the statistics do not say which period they cover and when they were worked out")
	case len(g.Tiles) == 0:
		return errors.New("the statistics hold no figures")
	}
	for _, t := range g.Tiles {
		if t.Suppressed != (t.Value == "*") || (t.Count == nil) != (t.Suppressed || t.Value == "-") {
			return fmt.Errorf("figure %q is ambiguous: value, count and suppression do not agree", t.ID)
		}
	}
	return nil
}
