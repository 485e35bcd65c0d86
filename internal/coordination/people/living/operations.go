package living

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/rest"
)

const tag = "people"

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

// Register adds the operations.
func Register(a *rest.API) {
	list := []int{http.StatusNotFound}
	add := []int{http.StatusNotFound, http.StatusConflict}
	change := []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired}
	const (
		adding   = "At most one is in force on any day, and none is allowed. With endsEarlier the present one ends on the day before."
		changing = "End it, open it again, or say that it was entered in error. Send If-Match with the ETag of the person's record."
	)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/registrations", Operation: access.ListRegistrations, Tag: tag,
		Summary: "List the practices a person is and was registered with", Errors: list,
	}, listRegistrations)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/registrations", Operation: access.AddRegistration, Tag: tag, Status: http.StatusCreated,
		Summary: "Record with which practice a person is registered", Description: adding, Errors: add,
	}, addRegistration)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/registrations/{id}", Operation: access.ChangeRegistration, Tag: tag,
		Summary: "End or correct a registration", Description: changing, Errors: change,
	}, changeRegistration)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/residences", Operation: access.ListResidences, Tag: tag,
		Summary: "List where a person lives and lived", Errors: list,
	}, listResidences)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/residences", Operation: access.AddResidence, Tag: tag, Status: http.StatusCreated,
		Summary: "Record where a person lives", Description: adding, Errors: add,
	}, addResidence)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/residences/{id}", Operation: access.ChangeResidence, Tag: tag,
		Summary: "End or correct a residence", Description: changing, Errors: change,
	}, changeResidence)
}
