// Package protection is the part of a person's record that protects them: alerts that everyone who meets them must know, a location that
// is hidden, a list of the only people who may see the record, and objections to organisations.
//
// The database enforces all of it for every table about the person; here it is recorded, with who did so and why. Nothing is removed: what
// holds no longer is ended. Emergency access and the plans for a crisis are not here.
package protection

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
)

const tag = "people"

// Register adds the operations.
func Register(a *rest.API) {
	found := []int{http.StatusNotFound}
	conflict := []int{http.StatusNotFound, http.StatusConflict}
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/alerts", Operation: access.ListPersonAlerts, Tag: tag,
		Summary: "List a person's alerts", Description: "Those in force first, then the ended ones.", Errors: found,
	}, listAlerts)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/alerts", Operation: access.RaisePersonAlert, Tag: tag, Status: http.StatusCreated,
		Summary:     "Raise an alert",
		Description: "LocationSensitive hides address, practice and contact from all but the responsible service at once.",
		Errors:      conflict,
	}, raiseAlert)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/person-alerts/{id}/end", Operation: access.EndPersonAlert, Tag: tag,
		Summary: "End an alert", Description: "LocationSensitive is ended by the responsible service only.", Errors: conflict,
	}, endAlert)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/named-access", Operation: access.ReadNamedAccess, Tag: tag,
		Summary: "Read who alone may see a person's record", Errors: found,
	}, readNamed)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/people/{id}/named-access", Operation: access.SetNamedAccess, Tag: tag,
		Summary:     "Limit a person's record to named people",
		Description: "The list replaces the one before. You must stand on it, so that the responsible service is never locked out. Send If-Match with the ETag of the person's record.",
		Errors:      []int{http.StatusNotFound, http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, setNamed)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/named-access/end", Operation: access.EndNamedAccess, Tag: tag,
		Summary: "Open a limited record again to the services that may see it", Errors: conflict,
	}, endNamed)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/objections", Operation: access.ListObjections, Tag: tag,
		Summary: "List a person's objections to organisations", Errors: found,
	}, listObjections)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/objections", Operation: access.RecordObjection, Tag: tag, Status: http.StatusCreated,
		Summary:     "Record that a person objects to an organisation",
		Description: "Services that the organisation leads see the person no more, unless they are responsible for the person or asked to help at that moment.",
		Errors:      conflict,
	}, recordObjection)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/objections/{id}/withdrawal", Operation: access.WithdrawObjection, Tag: tag,
		Summary: "Record that a person withdraws an objection", Errors: conflict,
	}, withdrawObjection)
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func notResponsible() error {
	return problem.New(problem.NotYourService, "Only a service that is responsible for the person (for an episode, or for a referral that waits) may do this.")
}
