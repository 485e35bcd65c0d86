// Package details is the part of a person's record that says what they wish to be called, how to speak with them and reach them, what
// adjustments they need, and what they say of themselves: equality characteristics, work, home, caring and long-term conditions.
//
// Each question may be unanswered, which is not the same as the answer NotStated. Whole sheets are read and written: a change names the
// version of the record that was read. Earlier answers are kept. The ways of reaching the person are a sheet of their own because they
// are hidden where the location is sensitive. Names, birth date and NHS number are not here (package people).
package details

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/read.sql
	readSQL string
	//go:embed sql/set.sql
	setSQL string
)

const tag = "people"

var changeErrors = []int{http.StatusNotFound, http.StatusPreconditionFailed, http.StatusPreconditionRequired}

// Register adds the operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/details", Operation: access.ReadPersonDetails, Tag: tag,
		Summary: "Read what a person says of themselves and needs", Description: "What is left out was not asked yet.", Errors: []int{http.StatusNotFound},
	}, read)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/people/{id}/details", Operation: access.SetPersonDetails, Tag: tag,
		Summary:     "Record what a person says of themselves and needs",
		Description: "The whole sheet replaces the one before. Send If-Match. One of your services must have something open with the person.",
		Errors:      changeErrors,
	}, set)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/contact", Operation: access.ReadContactDetails, Tag: tag,
		Summary:     "Read how a person is reached",
		Description: "Hidden from all but the responsible service while an alert says that the location is sensitive. See the alerts for what is safe.",
		Errors:      []int{http.StatusNotFound},
	}, readContact)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/people/{id}/contact", Operation: access.SetContactDetails, Tag: tag,
		Summary: "Record how a person is reached", Description: "The whole sheet replaces the one before. Send If-Match.",
		Errors: changeErrors,
	}, setContact)
}

// PersonDetails is the sheet of what a person says of themselves and needs.
type PersonDetails struct {
	PreferredName *string `json:"preferredName,omitempty" maxLength:"100" pattern:"\\S" doc:"What the person wishes to be called."`

	Language           *string  `json:"language,omitempty" pattern:"^[a-z]{2,3}$" doc:"ISO 639 code of the language the person prefers; bfi is British Sign Language." example:"en"`
	Interpreter        *string  `json:"interpreter,omitempty" enum:"Needed,NotNeeded"`
	CommunicationNeeds []string `json:"communicationNeeds,omitempty" nullable:"false" uniqueItems:"true" enum:"Audio,Braille,BritishSignLanguage,DeafblindManual,EasyRead,HearingLoop,LargePrint,Lipreading,Makaton,PlainLanguage,SpeechToText,TextOnly"`
	CommunicationNote  *string  `json:"communicationNote,omitempty" maxLength:"1000" pattern:"\\S"`

	ReasonableAdjustments []string `json:"reasonableAdjustments,omitempty" nullable:"false" uniqueItems:"true" enum:"AppointmentAtHome,AppointmentTime,AssistanceAnimal,LongerAppointment,OnlineAppointment,QuietPlace,Reminders,SameWorker,SensoryAdjustment,StepFreeAccess,SupporterPresent,WorkerOfChosenGender" doc:"What a disabled person's services must do otherwise."`
	AdjustmentsNote       *string  `json:"adjustmentsNote,omitempty" maxLength:"1000" pattern:"\\S"`

	Ethnicity         *string  `json:"ethnicity,omitempty" enum:"A,B,C,D,E,F,G,H,J,K,L,M,N,P,R,S,Z,99" doc:"As the person says; national letters of the 2001 census: A to C White, D to G Mixed, H to L Asian, M to P Black, R Chinese, S other; Z not stated, 99 not known."`
	Gender            *string  `json:"gender,omitempty" enum:"Female,Male,NonBinary,Other,NotStated"`
	GenderAsAtBirth   *string  `json:"genderAsAtBirth,omitempty" enum:"Yes,No,NotStated"`
	SexualOrientation *string  `json:"sexualOrientation,omitempty" enum:"Bisexual,GayOrLesbian,Heterosexual,Other,NotSure,NotStated"`
	Religion          *string  `json:"religion,omitempty" enum:"None,Buddhist,Christian,Hindu,Jewish,Muslim,Sikh,Other,NotStated"`
	Disability        *string  `json:"disability,omitempty" enum:"Disabled,NotDisabled,NotStated" doc:"Whether the person says they are disabled."`
	Impairments       []string `json:"impairments,omitempty" nullable:"false" uniqueItems:"true" enum:"BehaviourOrEmotion,Hearing,LongTermIllness,ManualDexterity,MemoryOrLearning,MentalHealth,Mobility,PerceptionOfDanger,PersonalCare,Sight,Speech,Other" doc:"Only with disability Disabled."`

	Employment    *string `json:"employment,omitempty" enum:"Employed,SelfEmployed,Volunteering,Student,LookingForWork,LongTermSick,Homemaker,Retired,Other,NotStated"`
	Accommodation *string `json:"accommodation,omitempty" enum:"OwnHome,SocialRent,PrivateRent,WithFamilyOrFriends,Supported,CareHome,Temporary,Hostel,SofaSurfing,RoughSleeping,Hospital,Prison,Other,NotStated"`
	Caring        *string `json:"caring,omitempty" enum:"Nobody,Children,Adults,ChildrenAndAdults,NotStated" doc:"Whom the person cares for without pay."`

	LongTermConditions []string `json:"longTermConditions,omitempty" nullable:"false" uniqueItems:"true" enum:"Schizophrenia,BipolarDisorder,OtherPsychosis,AsthmaOrCOPD,Autism,Cancer,ChronicKidneyDisease,ChronicPain,Dementia,Diabetes,Epilepsy,HeartDisease,Hypertension,LearningDisability,LiverDisease,Obesity,Stroke,Other" doc:"The first three are the conditions of the register for physical health checks."`
}

func (d PersonDetails) check() error {
	switch {
	case is(d.Interpreter, "Needed") && d.Language == nil:
		return problem.InvalidField("body.language", "say in which language the interpreter speaks")
	case len(d.Impairments) > 0 && !is(d.Disability, "Disabled"):
		return problem.InvalidField("body.impairments", "leave them out unless disability is Disabled")
	}
	return nil
}

func is(s *string, value string) bool { return s != nil && *s == value }

// Recorded says who recorded a sheet last, and when.
type Recorded struct {
	ChangedBy *string    `json:"changedBy,omitempty"`
	ChangedAt *time.Time `json:"changedAt,omitempty"`
}

type detailsSheet struct {
	PersonDetails
	Recorded
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

type detailsOutput struct {
	rest.Tag
	Body detailsSheet
}

func read(ctx context.Context, tx *store.Tx, in *idInput) (*detailsOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	return answer(ctx, tx, in.ID)
}

func answer(ctx context.Context, tx *store.Tx, person uuid.UUID) (*detailsOutput, error) {
	sheets, standing, err := people.Parts[detailsSheet](ctx, tx, readSQL, person, uuid.Nil)
	if err != nil {
		return nil, err
	}
	out := &detailsOutput{Tag: standing.Tag()}
	for i, sheet := range sheets {
		if i == 0 {
			out.Body = sheet
		} else {
			out.Body.fill(sheet.PersonDetails)
		}
	}
	return out, nil
}

type setDetailsInput struct {
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body PersonDetails
}

func set(ctx context.Context, tx *store.Tx, in *setDetailsInput) (*detailsOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	d := in.Body
	if err := d.check(); err != nil {
		return nil, err
	}
	standing, err := people.ClaimVersion(ctx, tx, in.ID, in.Match)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, setSQL, pgx.NamedArgs{
		"person": standing.ID, "subject": tx.Caller.Subject, "preferred_name": d.PreferredName, "language": d.Language, "interpreter": d.Interpreter,
		"communication_needs": d.CommunicationNeeds, "communication_note": d.CommunicationNote,
		"reasonable_adjustments": d.ReasonableAdjustments, "adjustments_note": d.AdjustmentsNote,
		"ethnicity": d.Ethnicity, "gender": d.Gender, "gender_as_at_birth": d.GenderAsAtBirth, "sexual_orientation": d.SexualOrientation,
		"religion": d.Religion, "disability": d.Disability, "impairments": d.Impairments,
		"employment": d.Employment, "accommodation": d.Accommodation, "caring": d.Caring, "long_term_conditions": d.LongTermConditions,
	})
	if err != nil {
		return nil, fmt.Errorf("recording a person's details: %w", err)
	}
	return answer(ctx, tx, standing.ID)
}
