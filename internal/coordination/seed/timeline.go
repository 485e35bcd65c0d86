package seed

import (
	"fmt"
	"time"

	"github.com/cmhf/operator/internal/coordination/london"
)

// subject is who has recorded everything: a name that is nobody's login.
const subject = "synthetic-seed"

// stage is a kind of thing that happens on a day; those of a day happen in this order, so that what is needed is there.
type stage int

const (
	people stage = iota
	details
	registrations
	residences
	referrals
	referralSteps
	episodes
	acceptances
	outcomes
	duties
	offers
	answers
	keyWorkers
	members
	levels
	contacts
	arrivalsOutside
	interventions
	plans
	goals
	needsInPlan
	actions
	links
	agreements
	safetyPlans
	safetyChecks
	assessments
	scores
	healthChecks
	needs
	workStatuses
	assetLinks
	feedback
	staysBegin
	reachingSteps
	dutiesEnd
	returnPlans
	closures
	alertAnswers
	stageCount
)

// target is how a stage is written: rows into a table, or a change of rows that are there, with an array of values for each parameter.
type target struct {
	table   string
	columns []string
	change  string
}

// targets: rows end with who wrote them and when, which add fills in where they are left out.
var targets = [stageCount]target{
	people:        {table: "people", columns: []string{"id", "nhs_number", "nhs_number_absent_reason", "family_name", "given_name", "birth_date", "created_at"}},
	details:       {table: "person_details", columns: []string{"person_id", "language", "interpreter", "ethnicity", "gender", "employment", "accommodation", "caring", "disability", "long_term_conditions", "changed_by", "changed_at"}},
	registrations: {table: "registrations", columns: []string{"id", "person_id", "practice_ods_code", "from_on", "recorded_by", "recorded_at"}},
	residences:    {table: "residences", columns: []string{"id", "person_id", "kind", "lines", "postcode", "lsoa", "neighbourhood", "imd_decile", "imd_edition", "from_on", "recorded_by", "recorded_at"}},
	referrals:     {table: "referrals", columns: []string{"id", "person_id", "service_id", "responsible_service_id", "route", "reason", "received_on", "redirected_from", "re_entry", "recorded_by", "recorded_at"}},
	referralSteps: {table: "referral_reaching_steps", columns: []string{"id", "referral_id", "kind", "channel", "happened_on", "next_on", "recorded_by", "recorded_at"}},
	episodes:      {table: "episodes", columns: []string{"id", "person_id", "responsible_service_id", "previous_episode_id", "safety_check_due_on", "opened_by", "opened_at"}},
	acceptances: {change: `UPDATE referrals r SET state = 'Accepted', responsible_service_id = service_id, episode_id = a.episode, outcome_by = '` + subject + `', outcome_at = a.at
		FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS a (id, episode, at) WHERE r.id = a.id`},
	outcomes: {table: "referral_outcomes", columns: []string{"id", "referral_id", "kind", "party_name", "party_organisation", "party_on", "party_channel", "told_how", "capacity", "decided_on", "recorded_by", "recorded_at"}},
	duties:   {table: "legal_duties", columns: []string{"id", "person_id", "kind", "recorded_by", "recorded_at"}},
	offers:   {table: "handovers", columns: []string{"id", "person_id", "episode_id", "to_service_id", "to_organisation", "direction", "urgency", "reason", "summary", "offered_by", "offered_at"}},
	answers: {change: `UPDATE handovers h SET state = a.state, accepted_on = a.day, accepted_name = a.name, accepted_organisation = a.organisation, accepted_channel = a.channel,
		decline_reason = a.reason, alternative = a.alternative
		FROM unnest($1::uuid[], $2::text[], $3::date[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
		AS a (id, state, day, name, organisation, channel, reason, alternative) WHERE h.id = a.id`},
	keyWorkers: {table: "key_workers", columns: []string{"id", "episode_id", "person_id", "subject", "name", "role", "since", "recorded_by", "recorded_at"}},
	members:    {table: "team_members", columns: []string{"id", "episode_id", "person_id", "name", "role", "organisation", "since", "recorded_by", "recorded_at"}},
	levels:     {table: "coordination_levels", columns: []string{"id", "episode_id", "person_id", "level", "complexity", "what_matters", "carers_views", "professional_judgement", "decided_on", "recorded_by", "recorded_at"}},
	contacts: {table: "contacts", columns: []string{"id", "episode_id", "service_id", "happened_at", "medium", "attendance", "held_with", "carer_involved", "professional", "duration_minutes",
		"assessment", "summary", "recorded_by", "recorded_at"}},
	arrivalsOutside: {change: "UPDATE handovers h SET arrived_on = a.day FROM unnest($1::uuid[], $2::date[]) AS a (id, day) WHERE h.id = a.id"},
	interventions:   {table: "interventions", columns: []string{"id", "episode_id", "service_id", "contact_id", "given_on", "kind", "theme", "tier", "note", "recorded_by", "recorded_at"}},
	plans:           {table: "plans", columns: []string{"id", "episode_id", "service_id", "previous_id", "kind", "summary", "review_on", "changed_by", "created_by", "created_at"}},
	goals:           {table: "plan_goals", columns: []string{"id", "plan_id", "position", "goal", "own_words"}},
	needsInPlan:     {table: "plan_needs", columns: []string{"id", "plan_id", "position", "domain", "need"}},
	actions:         {table: "plan_actions", columns: []string{"id", "plan_id", "position", "what", "who", "due_on", "domain"}},
	links:           {table: "plan_links", columns: []string{"id", "plan_id", "position", "kind", "held_by"}},
	agreements: {change: `UPDATE plans p SET state = 'InForce', agreement = a.agreement, in_force_from = a.day, capacity = 'HasCapacity', why_not = a.why_not, changed_by = '` + subject + `'
		FROM unnest($1::uuid[], $2::text[], $3::date[], $4::text[]) AS a (id, agreement, day, why_not) WHERE p.id = a.id`},
	safetyPlans: {table: "safety_plans", columns: []string{"id", "person_id", "service_id", "warning_signs", "own_coping", "people_who_help", "services_to_call", "means_safety", "reasons_for_living",
		"made_with_person", "recorded_by", "recorded_at"}},
	safetyChecks: {table: "safety_checks", columns: []string{"id", "episode_id", "person_id", "risk", "medicines", "address", "safeguarding", "checked_on", "recorded_by", "recorded_at"}},
	assessments:  {table: "outcome_assessments", columns: []string{"id", "person_id", "episode_id", "service_id", "tool", "answered_on", "recorded_by", "recorded_at"}},
	scores:       {table: "outcome_scores", columns: []string{"id", "assessment_id", "item", "score"}},
	healthChecks: {table: "health_check_elements", columns: []string{"id", "person_id", "episode_id", "service_id", "element", "measured_on", "declined", "audit_c", "hba1c", "systolic", "diastolic", "bmi",
		"total_cholesterol", "smoking", "recorded_by", "recorded_at"}},
	needs: {table: "needs", columns: []string{"id", "person_id", "episode_id", "service_id", "area", "description", "identified_on", "action", "action_on", "state", "state_on", "updated_at",
		"recorded_by", "recorded_at"}},
	workStatuses:  {table: "work_statuses", columns: []string{"id", "person_id", "service_id", "status", "told_on", "wants_work_support", "recorded_by", "recorded_at"}},
	assetLinks:    {table: "asset_links", columns: []string{"id", "person_id", "asset_id", "service_id", "linked_on", "first_attended_on", "updated_at", "recorded_by", "recorded_at"}},
	feedback:      {table: "feedback", columns: []string{"id", "service_id", "from_whom", "given_on", "overall", "listened_to", "involved_in_decisions", "help_with_what_matters", "knows_whom_to_contact", "respected", "recorded_by", "recorded_at"}},
	staysBegin:    {table: "stays_elsewhere", columns: []string{"id", "episode_id", "person_id", "place", "held_by_name", "held_by_organisation", "since", "expected_return", "recorded_by", "recorded_at"}},
	reachingSteps: {table: "reaching_steps", columns: []string{"id", "episode_id", "kind", "channel", "happened_on", "recorded_by", "recorded_at"}},
	dutiesEnd:     {change: `UPDATE legal_duties d SET ended_by = '` + subject + `', ended_at = a.at FROM unnest($1::uuid[], $2::timestamptz[]) AS a (id, at) WHERE d.id = a.id`},
	returnPlans:   {table: "return_plans", columns: []string{"episode_id", "summary", "how_to_return", "valid_until", "recorded_by", "recorded_at"}},
	closures: {table: "closures", columns: []string{"episode_id", "reason", "basis", "recorded_as", "receiver_name", "receiver_organisation", "agreed_on", "channel", "told_how", "capacity", "signed_off_by",
		"died_on", "death_source", "closed_on", "recorded_by", "recorded_at"}},
	alertAnswers: {change: `UPDATE alerts_for_staff s SET acknowledged_by = '` + subject + `', response = a.response
		FROM unnest($1::uuid[], $2::text[]) AS a (id, response) WHERE s.assessment_id = a.id AND s.acknowledged_at IS NULL`},
}

type event struct {
	stage  stage
	values []any
}

// timeline is what happens to some people on each day.
type timeline struct {
	first, last time.Time
	days        [][]event
}

func newTimeline(first, last time.Time) *timeline {
	return &timeline{first: first, last: last, days: make([][]event, daysBetween(first, last)+1)}
}

func daysBetween(from, to time.Time) int { return int(to.Sub(from).Hours() / 24) }

// add notes what happens on a day. What would happen after the last day has not happened yet, and is left out: nothing on a day depends
// on what happens later, so a story is cut clean.
func (t *timeline) add(day time.Time, s stage, values ...any) {
	if day.After(t.last) {
		return
	}
	columns := targets[s].columns
	switch n := len(columns) - len(values); {
	case targets[s].change != "":
	case n == 2: // who and when
		values = append(values, subject, closeOfDay(day))
	case n == 1:
		values = append(values, closeOfDay(day))
	case n != 0:
		panic(fmt.Sprintf("%s has %d columns and %d values", targets[s].table, len(columns), len(values)))
	}
	t.days[daysBetween(t.first, day)] = append(t.days[daysBetween(t.first, day)], event{s, values})
}

// closeOfDay is when everything of a day is recorded.
func closeOfDay(day time.Time) time.Time { return london.At(day, 17, 30) }
