package fhir

import (
	_ "embed"
	"time"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/london"
)

var (
	//go:embed sql/episode_of_care.sql
	episodeSQL string
	//go:embed sql/care_team.sql
	teamSQL string
)

type episodeOfCare struct {
	base
	Extension            []extension     `json:"extension,omitempty"`
	Status               string          `json:"status"`
	StatusHistory        []statusHistory `json:"statusHistory,omitempty"`
	Patient              *reference      `json:"patient"`
	ManagingOrganization *reference      `json:"managingOrganization,omitempty"`
	Period               *period         `json:"period,omitempty"`
	ReferralRequest      []reference     `json:"referralRequest,omitempty"`
	CareManager          *reference      `json:"careManager,omitempty"`
	Team                 []reference     `json:"team,omitempty"`
}

type statusHistory struct {
	Status string `json:"status"`
	Period period `json:"period"`
}

type stay struct {
	Since string  `json:"since"`
	Until *string `json:"until"`
}

type episodeRow struct {
	Stamp
	State                      string
	OpenedAt                   time.Time
	ClosedAt                   *time.Time
	ResponsibleServiceID       uuid.UUID
	Responsible, ODS, Provider string
	PreviousEpisodeID          *uuid.UUID
	KeyWorkerID                *uuid.UUID
	KeyWorker                  *string
	ClosureReason              *string
	Referrals                  []uuid.UUID
	Stays                      []stay
}

// away tells whether the person is in prison, in hospital or abroad now.
func (r episodeRow) away() bool {
	return len(r.Stays) > 0 && r.Stays[len(r.Stays)-1].Until == nil
}

func (r episodeRow) status() string {
	switch {
	case r.State == "EnteredInError":
		return "entered-in-error"
	case r.State == "Closed":
		return "finished"
	case r.away():
		return "onhold"
	}
	return "active"
}

// history is the row of states that the stays and the closure make, in days: stays are known no closer.
func (r episodeRow) history() (all []statusHistory) {
	from := onDay(r.OpenedAt)
	for _, s := range r.Stays {
		all = append(all, statusHistory{"active", period{from, s.Since}}, statusHistory{"onhold", period{s.Since, text(s.Until)}})
		from = text(s.Until)
	}
	closed := ""
	if r.ClosedAt != nil {
		closed = onDay(*r.ClosedAt)
	}
	switch {
	case !r.away():
		all = append(all, statusHistory{"active", period{from, closed}})
	case closed != "":
		all[len(all)-1].Period.End = closed
	}
	if closed != "" {
		all = append(all, statusHistory{"finished", period{Start: closed}})
	}
	return all
}

func onDay(t time.Time) string { return london.Today(t).Format(time.DateOnly) }

func (r episodeRow) resource() any {
	e := episodeOfCare{
		base: r.base("EpisodeOfCare"), Status: r.status(), Patient: r.patient(),
		ManagingOrganization: toOrganisation(r.ODS, r.Provider), Period: &period{Start: instant(r.OpenedAt)},
		ReferralRequest: toEach("ServiceRequest", r.Referrals), Team: []reference{*to("CareTeam", r.ID, "")},
		Extension: []extension{extensionService("responsible-service", r.ResponsibleServiceID, r.Responsible)},
	}
	if r.State != "EnteredInError" { // it was never so
		e.StatusHistory = r.history()
	}
	if r.ClosedAt != nil {
		e.Period.End = instant(*r.ClosedAt)
	}
	if r.KeyWorker != nil {
		e.CareManager = toRole(*r.KeyWorkerID, *r.KeyWorker)
	}
	if r.ClosureReason != nil {
		e.Extension = append(e.Extension, extensionCode("closure-reason", *r.ClosureReason))
	}
	if r.PreviousEpisodeID != nil {
		previous := ownExtension("previous-episode")
		previous.ValueReference = to("EpisodeOfCare", *r.PreviousEpisodeID, "")
		e.Extension = append(e.Extension, previous)
	}
	return e
}

type careTeam struct {
	base
	Status               string        `json:"status"`
	Name                 string        `json:"name,omitempty"`
	Subject              *reference    `json:"subject"`
	Participant          []participant `json:"participant,omitempty"`
	ManagingOrganization []reference   `json:"managingOrganization,omitempty"`
}

type participant struct {
	Role   []concept  `json:"role,omitempty"`
	Member *reference `json:"member,omitempty"`
	Period *period    `json:"period,omitempty"`
}

type member struct {
	ID    uuid.UUID `json:"id"`
	Name  string    `json:"name"`
	Role  string    `json:"role"`
	Since string    `json:"since"`
	Until *string   `json:"until"`
}

// participant names no organisation: R4 lets only a Practitioner act on behalf of one (ctm-1), and the PractitionerRole says for whom they work.
func (m member) participant(roles ...concept) participant {
	return participant{Role: append(roles, concept{Text: m.Role}), Member: toRole(m.ID, m.Name), Period: &period{m.Since, text(m.Until)}}
}

type teamRow struct {
	Stamp
	State                      string
	Responsible, ODS, Provider string
	KeyWorkers, Members        []member
}

var teamStatus = map[string]string{"Open": "active", "Closed": "inactive", "EnteredInError": "entered-in-error"}

func (r teamRow) resource() any {
	t := careTeam{
		base: r.base("CareTeam"), Status: teamStatus[r.State], Name: "The team around the person at " + r.Responsible, Subject: r.patient(),
		ManagingOrganization: []reference{*toOrganisation(r.ODS, r.Provider)},
	}
	for _, k := range r.KeyWorkers {
		t.Participant = append(t.Participant, k.participant(concept{Coding: []coding{ownCode("team-role", "key-worker", "Key worker")}}))
	}
	for _, m := range r.Members {
		t.Participant = append(t.Participant, m.participant())
	}
	return t
}
