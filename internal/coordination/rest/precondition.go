package rest

import (
	"strconv"
	"strings"

	"github.com/cmhf/operator/internal/coordination/problem"
)

// Match is embedded in the input of operations that change a record which the caller has read before.
type Match struct {
	IfMatch string `header:"If-Match" json:"-" maxLength:"32" doc:"The ETag of the record as you have read it. Needed, so that nobody's change is overwritten unseen."`
}

// Check compares the caller's version with the record's present one: it gives the problem precondition-required (428) when none was sent
// and precondition-failed (412) when it is another. Lock the record before.
func (m Match) Check(version int64) error {
	switch {
	case m.IfMatch == "":
		return problem.New(problem.PreconditionRequired, "Send If-Match with the ETag of the record as you have read it.")
	case strings.TrimPrefix(m.IfMatch, "W/") != quoted(version): // versions count changes of meaning, so weak and strong are one
		return problem.New(problem.PreconditionFailed, "The record has changed since you read it: read it again, and send the new ETag if your change still fits.")
	}
	return nil
}

// Tag is embedded in the output of operations that give one record.
type Tag struct {
	ETag string `header:"ETag" doc:"The record's version, for If-Match."`
}

// TagOf makes the header of a record's version.
func TagOf(version int64) Tag { return Tag{ETag: "W/" + quoted(version)} }

func quoted(version int64) string { return strconv.Quote(strconv.FormatInt(version, 10)) }
