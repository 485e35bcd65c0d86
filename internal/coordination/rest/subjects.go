package rest

import "github.com/danielgtaylor/huma/v2"

// subjects are the tags under which operations stand in the document and on the page for people, in the order in which somebody is
// helped: who they are and how they come, what is done, what is handed over, then what looks after the record, and figures.
var subjects = []*huma.Tag{
	{Name: "services", Description: "The services of the ICS."},
	{Name: "people", Description: "Who somebody is, how they live, who cares for them, and what protects them."},
	{Name: "referrals", Description: "Asking a service to help. None is simply rejected: every outcome leads somewhere."},
	{Name: "episodes", Description: "The time in which a service is responsible for a person, and how it ends."},
	{Name: "re-entry", Description: "Coming back without a new referral."},
	{Name: "coordination", Description: "Key worker, team and level of an episode."},
	{Name: "plans", Description: "The plan that is made with the person, its goals and its versions."},
	{Name: "safety plans", Description: "What helps in a crisis. In force as soon as it is saved."},
	{Name: "contacts", Description: "Meetings, calls and what was done in them."},
	{Name: "needs", Description: "Needs outside health: money, housing, benefits, work."},
	{Name: "outcomes", Description: "DIALOG, ReQoL-10 and Goal Based Outcomes: scores and how they change."},
	{Name: "health checks", Description: "The physical health check."},
	{Name: "community", Description: "What the neighbourhood offers, and to what a person was linked."},
	{Name: "feedback", Description: "What people and carers say of their experience."},
	{Name: "handovers", Description: "Passing a person on. The sender stays responsible until the receiver accepts."},
	{Name: "worklists", Description: "What waits for somebody at a service, exact and for its own staff only."},
	{Name: "emergency access", Description: "Reading a record in an emergency, and the review of it."},
	{Name: "matching", Description: "Records that may be the same person's: deciding, merging, undoing."},
	{Name: "retractions", Description: "Putting right what was entered in error."},
	{Name: "retention", Description: "Legal holds, and disposing of records when their time is over."},
	{Name: "audit", Description: "Proof that the trail of who saw and changed what is whole."},
	{Name: "changes", Description: "The feed of what has changed, for other systems."},
	{Name: "partners", Description: "Partner organisations, and how far they are with the actions of frameworks."},
	{Name: "statistics", Description: "Published figures, with small numbers hidden."},
	{Name: "measures", Description: "The catalogue of measures and their figures."},
	{Name: "populations", Description: "How many people live in the ICS and its places."},
	{Name: "series", Description: "Figures that come from elsewhere."},
}
