package coordination

import (
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/episodes"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/key_worker_before.sql
	keyWorkerBeforeSQL string
	//go:embed sql/works_elsewhere.sql
	worksElsewhereSQL string
	//go:embed sql/end_key_worker.sql
	endKeyWorkerSQL string
	//go:embed sql/name_key_worker.sql
	nameKeyWorkerSQL string
	//go:embed sql/end_members.sql
	endMembersSQL string
	//go:embed sql/add_members.sql
	addMembersSQL string
	//go:embed sql/service_levels.sql
	serviceLevelsSQL string
	//go:embed sql/decide_level.sql
	decideLevelSQL string
)

// hold gives the caller's open episode, locked, when it is the version that the caller has read.
func hold(ctx context.Context, tx *store.Tx, id uuid.UUID, match rest.Match) (episodes.Held, error) {
	episode, err := episodes.Hold(ctx, tx, id)
	if err != nil {
		return episodes.Held{}, err
	}
	return episode, match.Check(episode.Version)
}

type keyWorkerInput struct {
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Subject string `json:"subject" minLength:"1" maxLength:"200" pattern:"\\S" doc:"The key worker as the identity provider names them: the sub claim of their token."`
		Name    string `json:"name" minLength:"1" maxLength:"200" pattern:"\\S"`
		Role    string `json:"role" minLength:"1" maxLength:"200" pattern:"\\S" example:"Community mental health nurse"`
		Since   string `json:"since" format:"date"`
	}
}

func setKeyWorker(ctx context.Context, tx *store.Tx, in *keyWorkerInput) (*output, error) {
	episode, err := hold(ctx, tx, in.ID, in.Match)
	if err != nil {
		return nil, err
	}
	body := in.Body
	var before *string
	if err := tx.QueryRow(ctx, keyWorkerBeforeSQL, pgx.NamedArgs{"episode": in.ID}).Scan(&before); err != nil {
		return nil, fmt.Errorf("reading until when there was a key worker: %w", err)
	}
	since, err := london.ParseDay(body.Since)
	if err != nil || since.Before(london.Today(episode.OpenedAt)) || since.After(london.Today(time.Now())) || (before != nil && body.Since < *before) {
		return nil, problem.InvalidField("body.since", "give a day up to today on which the episode was open, and not within the time of an earlier key worker or before that of the present one")
	}
	args := pgx.NamedArgs{
		"episode": in.ID, "person": episode.PersonID, "service": episode.ServiceID, "key_worker": body.Subject, "name": body.Name, "role": body.Role,
		"since": body.Since, "subject": tx.Caller.Subject,
	}
	var elsewhere bool
	if err := tx.QueryRow(ctx, worksElsewhereSQL, args).Scan(&elsewhere); err != nil {
		return nil, fmt.Errorf("looking where a key worker works: %w", err)
	}
	if elsewhere {
		return nil, problem.InvalidField("body.subject", "this person is known to work for another service only; name somebody who works for %s, or have them name themselves", episode.Service)
	}
	if args["id"], err = uuid.NewV7(); err != nil {
		return nil, fmt.Errorf("making a key worker's id: %w", err)
	}
	for _, statement := range []string{endKeyWorkerSQL, nameKeyWorkerSQL} {
		if _, err := tx.Exec(ctx, statement, args); err != nil {
			return nil, fmt.Errorf("naming a key worker: %w", err)
		}
	}
	tx.Touch(episode.PersonID, in.ID)
	return show(ctx, tx, in.ID)
}

// TeamMember is somebody in the team around a person.
type TeamMember struct {
	Subject      *string `json:"subject,omitempty" minLength:"1" maxLength:"200" pattern:"\\S" doc:"As the identity provider names them, where they have an account."`
	Name         string  `json:"name" minLength:"1" maxLength:"200" pattern:"\\S"`
	Role         string  `json:"role" minLength:"1" maxLength:"200" pattern:"\\S" example:"Peer support worker"`
	Organisation string  `json:"organisation" minLength:"1" maxLength:"200" pattern:"\\S"`
}

type teamInput struct {
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Members []TeamMember `json:"members" nullable:"false" maxItems:"50"`
	}
}

func setTeam(ctx context.Context, tx *store.Tx, in *teamInput) (*output, error) {
	type who struct{ name, role, organisation string }
	seen := map[who]bool{}
	var names, roles, organisations []string
	var subjects []*string
	ids := make([]uuid.UUID, len(in.Body.Members))
	for i, m := range in.Body.Members {
		key := who{m.Name, m.Role, m.Organisation}
		if seen[key] {
			return nil, problem.InvalidField(fmt.Sprintf("body.members[%d]", i), "the same person stands in the list twice")
		}
		seen[key] = true
		id, err := uuid.NewV7()
		if err != nil {
			return nil, fmt.Errorf("making a team member's id: %w", err)
		}
		ids[i] = id
		names, roles, organisations, subjects = append(names, m.Name), append(roles, m.Role), append(organisations, m.Organisation), append(subjects, m.Subject)
	}
	episode, err := hold(ctx, tx, in.ID, in.Match)
	if err != nil {
		return nil, err
	}
	args := pgx.NamedArgs{
		"episode": in.ID, "person": episode.PersonID, "ids": ids, "subjects": subjects, "names": names, "roles": roles, "organisations": organisations,
		"until": london.Today(time.Now()), "subject": tx.Caller.Subject,
	}
	if _, err := tx.Exec(ctx, endMembersSQL, args); err != nil {
		return nil, fmt.Errorf("ending who is in a team: %w", err)
	}
	if _, err := tx.Exec(ctx, addMembersSQL, args); err != nil {
		return nil, fmt.Errorf("adding to a team: %w", err)
	}
	tx.Touch(episode.PersonID, in.ID)
	return show(ctx, tx, in.ID)
}

// cpa finds the names of the two classes that levels replace; the database's constraint is the same.
var cpa = regexp.MustCompile(`(?i)(^|[^a-z])cpa([^a-z]|$)|care program`)

type levelInput struct {
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body CoordinationLevel
}

func setLevel(ctx context.Context, tx *store.Tx, in *levelInput) (*output, error) {
	if cpa.MatchString(in.Body.Level) {
		return nil, problem.InvalidField("body.level", "say how much planning and coordination the person needs; the two classes of the Care Programme Approach are gone")
	}
	episode, err := hold(ctx, tx, in.ID, in.Match)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a level's id: %w", err)
	}
	args := pgx.NamedArgs{
		"id": id, "episode": in.ID, "person": episode.PersonID, "service": episode.ServiceID, "level": in.Body.Level, "complexity": in.Body.Complexity,
		"what_matters": in.Body.WhatMatters, "carers_views": in.Body.CarersViews, "judgement": in.Body.ProfessionalJudgement, "subject": tx.Caller.Subject,
	}
	var levels []string
	if err := tx.QueryRow(ctx, serviceLevelsSQL, args).Scan(&levels); err != nil {
		return nil, fmt.Errorf("reading a service's levels: %w", err)
	}
	if len(levels) > 0 && !slices.Contains(levels, in.Body.Level) {
		return nil, problem.InvalidField("body.level", "%s has the levels %s", episode.Service, strings.Join(levels, ", "))
	}
	if _, err := tx.Exec(ctx, decideLevelSQL, args); err != nil {
		return nil, fmt.Errorf("recording a level: %w", err)
	}
	tx.Touch(episode.PersonID, in.ID)
	return show(ctx, tx, in.ID)
}
