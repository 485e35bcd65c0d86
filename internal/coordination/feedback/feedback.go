// Package feedback is the subject of what people and carers say about the services they met: answers in numbers and words of their own,
// with their name or without.
//
// Whole replies are for the leads of the service that they are about; others at that service see means of five replies or more. Figures
// for publication are not here.
package feedback

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/insert.sql
	insertSQL string
	//go:embed sql/insert_author.sql
	insertAuthorSQL string
	//go:embed sql/list.sql
	listSQL string
	//go:embed sql/summary.sql
	summarySQL string
)

const tag = "feedback"

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/feedback", Operation: access.GiveFeedback, Tag: tag, Status: http.StatusCreated,
		Summary:     "Pass on what a person or a carer says about a service",
		Description: "About any service of the directory. Without personId it is anonymous: nothing then leads from the reply to the person.",
		Errors:      []int{http.StatusNotFound},
	}, give)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/feedback", Operation: access.ListFeedback, Tag: tag,
		Summary: "List what was said about your services", Description: "For service leads, in the words in which it was said. Newest first.",
	}, list)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/feedback/summary", Operation: access.ReadFeedbackSummary, Tag: tag,
		Summary:     "Read what your services hear, in numbers",
		Description: "Means of the last twelve months. There are none from fewer than five replies: people were promised not to be found out.",
	}, summary)
}

// FeedbackAnswers go from 1 (not at all) to 5 (fully). What was not answered is left out.
type FeedbackAnswers struct {
	Overall             int  `json:"overall" minimum:"1" maximum:"5" doc:"How good the experience was."`
	ListenedTo          *int `json:"listenedTo,omitempty" minimum:"1" maximum:"5"`
	InvolvedInDecisions *int `json:"involvedInDecisions,omitempty" minimum:"1" maximum:"5"`
	HelpWithWhatMatters *int `json:"helpWithWhatMatters,omitempty" minimum:"1" maximum:"5"`
	KnowsWhomToContact  *int `json:"knowsWhomToContact,omitempty" minimum:"1" maximum:"5" doc:"Knows whom to contact, in a crisis too."`
	Respected           *int `json:"respected,omitempty" minimum:"1" maximum:"5" doc:"Felt respected as the person they are, their culture and identity included."`
}

type giveInput struct {
	rest.Idempotent
	Body struct {
		Service  string          `json:"service" minLength:"1" maxLength:"63" doc:"The service it is about." example:"north-cornwall"`
		From     string          `json:"from" enum:"Person,Carer"`
		PersonID *uuid.UUID      `json:"personId,omitempty" format:"uuid" doc:"Only when the person wants it to carry their name; for a carer, whom they care for."`
		GivenOn  string          `json:"givenOn" format:"date"`
		Answers  FeedbackAnswers `json:"answers"`
		Comment  string          `json:"comment,omitempty" maxLength:"4000" doc:"In their own words; only the service's leads read it."`
	}
}

type giveOutput struct {
	Body struct {
		ID uuid.UUID `json:"id" format:"uuid"`
	}
}

func give(ctx context.Context, tx *store.Tx, in *giveInput) (*giveOutput, error) {
	if on, err := london.ParseDay(in.Body.GivenOn); err != nil || on.After(london.Today(time.Now())) {
		return nil, problem.InvalidField("body.givenOn", "give a day that is not in the future")
	}
	service, found, err := services.ByName(ctx, tx, in.Body.Service)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, problem.InvalidField("body.service", "the directory has no service of that name; see GET /v1/services")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a reply's id: %w", err)
	}
	if in.Body.PersonID != nil {
		tx.About(store.Concern{Person: *in.Body.PersonID})
		if _, err := people.Visible(ctx, tx, *in.Body.PersonID); err != nil {
			return nil, err
		}
	}
	var comment *string
	if text := strings.TrimSpace(in.Body.Comment); text != "" {
		comment = &text
	}
	a := in.Body.Answers
	_, err = tx.Exec(ctx, insertSQL, pgx.NamedArgs{
		"id": id, "service": service.ID, "from": in.Body.From, "on": in.Body.GivenOn, "overall": a.Overall,
		"listened_to": a.ListenedTo, "involved": a.InvolvedInDecisions, "help": a.HelpWithWhatMatters, "knows": a.KnowsWhomToContact,
		"respected": a.Respected, "comment": comment, "subject": tx.Caller.Subject,
	})
	if err != nil {
		return nil, fmt.Errorf("recording feedback: %w", err)
	}
	if in.Body.PersonID != nil {
		if _, err := tx.Exec(ctx, insertAuthorSQL, pgx.NamedArgs{"id": id, "person": *in.Body.PersonID}); err != nil {
			return nil, fmt.Errorf("naming who gave feedback: %w", err)
		}
		tx.Touch(*in.Body.PersonID, id)
	}
	out := &giveOutput{}
	out.Body.ID = id
	return out, nil
}

// FeedbackReply is what somebody said, as the service's leads read it.
type FeedbackReply struct {
	ID         uuid.UUID       `json:"id" format:"uuid"`
	Service    string          `json:"service"`
	From       string          `json:"from" enum:"Person,Carer"`
	PersonID   *uuid.UUID      `json:"personId,omitempty" format:"uuid" doc:"Absent when it is anonymous."`
	GivenOn    string          `json:"givenOn" format:"date"`
	Answers    FeedbackAnswers `json:"answers"`
	Comment    *string         `json:"comment,omitempty"`
	RecordedAt time.Time       `json:"recordedAt"`
}

type replyRow struct {
	ID                                                   uuid.UUID
	Service, FromWhom, GivenOn                           string
	PersonID                                             *uuid.UUID
	Overall                                              int
	ListenedTo, InvolvedInDecisions, HelpWithWhatMatters *int
	KnowsWhomToContact, Respected                        *int
	Comment                                              *string
	RecordedAt                                           time.Time
}

func (r replyRow) reply() FeedbackReply {
	return FeedbackReply{
		ID: r.ID, Service: r.Service, From: r.FromWhom, PersonID: r.PersonID, GivenOn: r.GivenOn, Comment: r.Comment, RecordedAt: r.RecordedAt,
		Answers: FeedbackAnswers{r.Overall, r.ListenedTo, r.InvolvedInDecisions, r.HelpWithWhatMatters, r.KnowsWhomToContact, r.Respected},
	}
}

type listInput struct {
	page.Input
	Service string `query:"service" maxLength:"63" doc:"Only what is about this one of your services."`
}

type listOutput struct {
	Body struct {
		Items []FeedbackReply `json:"items" nullable:"false"`
		Next  string          `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func list(ctx context.Context, tx *store.Tx, in *listInput) (*listOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	own, err := services.Own(ctx, tx, "query.service", in.Service)
	if err != nil {
		return nil, err
	}
	rows, err := store.Rows[replyRow](ctx, tx, listSQL, pgx.NamedArgs{"services": own, "at": position.At, "after": position.ID, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("listing feedback: %w", err)
	}
	out := &listOutput{}
	out.Body.Items = []FeedbackReply{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(r replyRow) page.Position { return page.Position{At: r.RecordedAt, ID: r.ID} })
	for _, r := range rows {
		if r.PersonID != nil {
			tx.Touch(*r.PersonID, r.ID)
		}
		out.Body.Items = append(out.Body.Items, r.reply())
	}
	return out, nil
}
