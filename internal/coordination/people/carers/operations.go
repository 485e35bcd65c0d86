package carers

import (
	"net/http"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/rest"
)

const tag = "people"

// Register adds the operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/carers", Operation: access.ListCarers, Tag: tag,
		Summary: "List carers, family and nominated others", Description: "With what each may be told. What carers said in confidence is not here.",
		Errors: []int{http.StatusNotFound},
	}, list)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/carers", Operation: access.AddCarer, Tag: tag, Status: http.StatusCreated,
		Summary:     "Record a carer, relative or nominated other",
		Description: "They may be told nothing until mayBeTold says what, on which basis and since when; parents too, whatever the person's age.",
		Errors:      []int{http.StatusNotFound},
	}, add)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/carers/{id}", Operation: access.ChangeCarer, Tag: tag,
		Summary: "Change what is recorded of a carer", Description: "All of it replaces what was there. Send If-Match with the ETag of the person's record.",
		Errors: []int{http.StatusNotFound, http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, change)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/carer-confidences", Operation: access.ListCarerConfidences, Tag: tag,
		Summary:     "Read what carers said in confidence",
		Description: "For services that support the person now. Never show it to the person unless sharing is MayBeShared.",
		Errors:      []int{http.StatusNotFound},
	}, listConfidences)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/carer-confidences", Operation: access.RecordCarerConfidence, Tag: tag, Status: http.StatusCreated,
		Summary: "Record what a carer said in confidence", Errors: []int{http.StatusNotFound},
	}, recordConfidence)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/carer-confidences/{id}/entered-in-error", Operation: access.RetractCarerConfidence, Tag: tag,
		Summary: "Mark what a carer said as entered in error", Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, retractConfidence)
}
