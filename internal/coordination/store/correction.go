package store

import (
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cmhf/operator/internal/coordination/problem"
)

// correctionRule is the problem for what the schema's triggers say about merging, retracting and the like. The records that it is about
// are often ones that the caller may not see, so only the database can judge.
func correctionRule(pg *pgconn.PgError) *problem.Problem {
	switch pg.Detail {
	case "unknown":
		return problem.New(problem.NotFound, "There is no such record, or you may not see it.")
	case "same-record":
		return problem.New(problem.MergeRefused, "It is one record.")
	case "merged-already":
		return problem.New(problem.MergeRefused, "One of the records is merged into another already: use the canonical one.")
	case "not-merged":
		return problem.New(problem.StateConflict, "The record is not merged into another.")
	case "has-merged-records":
		return problem.New(problem.MergeRefused, "Other records are merged into the one that would end: merge the other way round, or take those apart first.")
	case "numbers-differ":
		return problem.New(problem.MergeRefused, "The records have different NHS numbers.")
	case "number-would-be-lost":
		return problem.New(problem.MergeRefused, "The record with the settled NHS number must stay: merge the other way round. Its details can be put right afterwards.")
	case "deaths-differ":
		return problem.New(problem.MergeRefused, "A death is recorded in one record, and not in the other or on another day: record or reverse it first.")
	case "lists-exclude-each-other":
		return problem.New(problem.MergeRefused, "Each record is limited to named people, and nobody stands on both lists: let the responsible services agree on the names first.")
	case "settled":
		return problem.New(problem.StateConflict, "The pair is decided already.")
	case "canonical":
		return problem.InvalidField("body.canonicalId", "name one of the two records when they are the same person's, and none otherwise")
	case "number-needed":
		return problem.InvalidField("body.nhsNumberTakenFrom", "both records have the NHS number: say from which one it is taken, and why it then has none")
	case "no-number-to-take":
		return problem.InvalidField("body.nhsNumberTakenFrom", "leave it out: the records do not share an NHS number")
	case "before-birth":
		return problem.InvalidField("body.on", "give a day that is not before the person's birth")
	case "reversed-already":
		return problem.New(problem.StateConflict, "The death is reversed already.")
	case "newer-episode":
		return problem.New(problem.StateConflict, "A service has begun a new episode since, which contradicts opening the earlier one again.")
	case "under-legal-hold":
		return problem.New(problem.StateConflict, "The record is under a legal hold, and stays until that is lifted.")
	case "still-open":
		return problem.New(problem.StateConflict, "A referral or an episode is open: the record is in use.")
	case "not-due":
		return problem.New(problem.StateConflict, "The record's time is not over: 20 years after the last treatment, 10 after a death.")
	case "requested-already":
		return problem.New(problem.StateConflict, "Disposal is requested already.")
	case "same-person":
		return problem.New(problem.StateConflict, "Somebody else than the one who requested it confirms a disposal.")
	case "retracted-already":
		return problem.New(problem.StateConflict, "It is entered in error already.")
	case "episode-rests-on-it":
		return problem.New(problem.StateConflict, "An episode rests on this referral alone: retract the episode, and the referral goes with it.")
	}
	if pg.Code == "CM025" {
		return problem.InvalidField("body.correctionOf", "name a referral that is entered in error and with which you or your service had to do")
	}
	return problem.New(problem.StateConflict, "The record is merged into another: read it again, and go on with the one that it leads to.")
}
