// Package mistakes holds what all records share that can be marked as entered in error: nothing is deleted, a mistaken record
// stays readable under its id with the mark, and leaves the lists. Which tables can be marked, and by whom, is their subjects' matter.
package mistakes

import (
	"time"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/rest"
)

// Input is the request to mark a record.
type Input struct {
	rest.Idempotent
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body MarkInError
}

// MarkInError is its body.
type MarkInError struct {
	Why string `json:"why" enum:"WrongPerson,WrongDetails,Duplicate,NeverHappened" doc:"What was mistaken."`
}

// Description is for the document; each operation that marks says the same.
const Description = "The record stays readable with the mark and leaves the lists. It is marked once, and the mark stays: record what is right anew."

// ErrorMark says that a record was entered in error.
type ErrorMark struct {
	At  time.Time `json:"at"`
	Why string    `json:"why" enum:"WrongPerson,WrongDetails,Duplicate,NeverHappened"`
}

// Columns are the mark as it stands in a row.
type Columns struct {
	EnteredInErrorAt  *time.Time
	EnteredInErrorWhy *string
}

// Mark gives the mark, or nil when there is none.
func (c Columns) Mark() *ErrorMark {
	if c.EnteredInErrorAt == nil || c.EnteredInErrorWhy == nil {
		return nil
	}
	return &ErrorMark{At: *c.EnteredInErrorAt, Why: *c.EnteredInErrorWhy}
}
