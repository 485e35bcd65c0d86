// Package capacity is the part of a person's record about decisions: assessments of whether they can make one, and who acts or speaks for
// them.
//
// Capacity is assessed for one decision at one time, after support to decide was given; an assessment is never changed, another follows it.
// Someone with authority to decide has a document that somebody has seen. What follows from it for plans and closures is decided there.
package capacity

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/list_assessments.sql
	listAssessmentsSQL string
	//go:embed sql/find_assessment.sql
	findAssessmentSQL string
	//go:embed sql/insert_assessment.sql
	insertAssessmentSQL string
	//go:embed sql/retract_assessment.sql
	retractAssessmentSQL string
)

const tag = "people"

// Register adds the operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/capacity-assessments", Operation: access.ListCapacityAssessments, Tag: tag,
		Summary: "List assessments of a person's capacity", Errors: []int{http.StatusNotFound},
	}, listAssessments)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/capacity-assessments", Operation: access.RecordCapacityAssessment, Tag: tag, Status: http.StatusCreated,
		Summary:     "Record an assessment of capacity",
		Description: "For one decision at one time. A person has capacity unless an assessment found otherwise.",
		Errors:      []int{http.StatusNotFound},
	}, recordAssessment)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/capacity-assessments/{id}/entered-in-error", Operation: access.RetractCapacityAssessment, Tag: tag,
		Summary: "Mark an assessment of capacity as entered in error", Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, retractAssessment)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/representatives", Operation: access.ListRepresentatives, Tag: tag,
		Summary: "List who acts or speaks for a person", Errors: []int{http.StatusNotFound},
	}, listRepresentatives)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/representatives", Operation: access.AddRepresentative, Tag: tag, Status: http.StatusCreated,
		Summary:     "Record an attorney, deputy or advocate",
		Description: "Authority to decide (attorneys, deputies) needs the day on which the document was seen.",
		Errors:      []int{http.StatusNotFound},
	}, addRepresentative)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/representatives/{id}", Operation: access.EndRepresentative, Tag: tag,
		Summary: "Say until when somebody acts or speaks for a person", Description: "Send If-Match with the ETag of the person's record.",
		Errors: []int{http.StatusNotFound, http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, endRepresentative)
}

// CapacityFinding is what an assessment found.
type CapacityFinding struct {
	About        string  `json:"about" enum:"CarePlan,Closure,Sharing,Treatment,Accommodation,Money,Other" doc:"What the decision is about."`
	Decision     string  `json:"decision" minLength:"1" maxLength:"1000" pattern:"\\S" doc:"The decision that was to be made."`
	Outcome      string  `json:"outcome" enum:"HasCapacity,LacksCapacity"`
	SupportGiven string  `json:"supportGiven" minLength:"1" maxLength:"2000" pattern:"\\S" doc:"What was done to help the person decide themselves."`
	Finding      string  `json:"finding" minLength:"1" maxLength:"4000" pattern:"\\S" doc:"What the assessor found: understanding, retaining, weighing, communicating."`
	AssessorName string  `json:"assessorName" minLength:"1" maxLength:"200" pattern:"\\S"`
	AssessorRole string  `json:"assessorRole" minLength:"1" maxLength:"200" pattern:"\\S"`
	AssessedOn   string  `json:"assessedOn" format:"date"`
	ReviewOn     *string `json:"reviewOn,omitempty" format:"date" doc:"When to assess again, for example where capacity fluctuates."`
}

func (f CapacityFinding) check(today time.Time) error {
	assessed, err := london.ParseDay(f.AssessedOn)
	if err != nil || assessed.After(today) {
		return problem.InvalidField("body.assessedOn", "give a day that is not in the future")
	}
	if f.ReviewOn == nil {
		return nil
	}
	if review, err := london.ParseDay(*f.ReviewOn); err != nil || review.Before(assessed) {
		return problem.InvalidField("body.reviewOn", "give a day that is not before the assessment")
	}
	return nil
}

// CapacityAssessment is an assessment of capacity.
type CapacityAssessment struct {
	ID uuid.UUID `json:"id" format:"uuid"`
	CapacityFinding
	EnteredInError bool      `json:"enteredInError"`
	RecordedBy     string    `json:"recordedBy"`
	RecordedAt     time.Time `json:"recordedAt"`
}

type assessmentsOutput struct {
	rest.Tag
	Body struct {
		Items []CapacityAssessment `json:"items" nullable:"false" doc:"Latest assessment first."`
	}
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func listAssessments(ctx context.Context, tx *store.Tx, in *idInput) (*assessmentsOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	return assessmentsOf(ctx, tx, in.ID, uuid.Nil)
}

func assessmentsOf(ctx context.Context, tx *store.Tx, person, part uuid.UUID) (*assessmentsOutput, error) {
	parts, standing, err := people.Parts[CapacityAssessment](ctx, tx, listAssessmentsSQL, person, part)
	if err != nil {
		return nil, err
	}
	out := &assessmentsOutput{Tag: standing.Tag()}
	out.Body.Items = parts
	return out, nil
}

type recordAssessmentInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body CapacityFinding
}

func recordAssessment(ctx context.Context, tx *store.Tx, in *recordAssessmentInput) (*assessmentsOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	f := in.Body
	if err := f.check(london.Today(time.Now())); err != nil {
		return nil, err
	}
	standing, err := people.Claim(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	id, err := people.Add(ctx, tx, insertAssessmentSQL, pgx.NamedArgs{
		"person": standing.ID, "about": f.About, "decision": f.Decision, "outcome": f.Outcome, "support_given": f.SupportGiven, "finding": f.Finding,
		"assessor_name": f.AssessorName, "assessor_role": f.AssessorRole, "assessed_on": f.AssessedOn, "review_on": f.ReviewOn,
	})
	if err != nil {
		return nil, fmt.Errorf("recording an assessment of capacity: %w", err)
	}
	return assessmentsOf(ctx, tx, standing.ID, id)
}

type retractAssessmentInput struct {
	rest.Idempotent
	ID uuid.UUID `path:"id" format:"uuid"`
}

func retractAssessment(ctx context.Context, tx *store.Tx, in *retractAssessmentInput) (*assessmentsOutput, error) {
	record, err := people.Finish(ctx, tx, findAssessmentSQL, retractAssessmentSQL, in.ID, "The assessment is marked as entered in error already.")
	if err != nil {
		return nil, err
	}
	return assessmentsOf(ctx, tx, record, in.ID)
}
