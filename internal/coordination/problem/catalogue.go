package problem

import (
	"fmt"
	"html"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Slug identifies a kind of problem.
type Slug string

// The kinds of problem.
const (
	Malformed            Slug = "malformed-request"
	InvalidRequest       Slug = "invalid-request"
	Unauthenticated      Slug = "unauthenticated"
	WrongICS             Slug = "wrong-ics"
	Forbidden            Slug = "forbidden"
	PurposeMissing       Slug = "purpose-missing"
	NotFound             Slug = "not-found"
	MethodNotAllowed     Slug = "method-not-allowed"
	NotAcceptable        Slug = "not-acceptable"
	BodyTimeout          Slug = "body-timeout"
	BodyTooLarge         Slug = "body-too-large"
	UnsupportedMediaType Slug = "unsupported-media-type"
	NotYourService       Slug = "not-your-service"
	ServiceClosing       Slug = "service-closing"
	StateConflict        Slug = "state-conflict"
	PreconditionRequired Slug = "precondition-required"
	PreconditionFailed   Slug = "precondition-failed"
	PersonDied           Slug = "person-died"
	ClosureIncomplete    Slug = "closure-incomplete"
	OutcomeIncomplete    Slug = "outcome-incomplete"
	LiveTransferNeeded   Slug = "live-transfer-needed"
	KeyReused            Slug = "idempotency-key-reused"
	SignInUnavailable    Slug = "sign-in-unavailable"
	DatabaseUnavailable  Slug = "database-unavailable"
	DirectoryOlder       Slug = "directory-older"
	ReadOnly             Slug = "read-only"
	MergeRefused         Slug = "merge-refused"
	Internal             Slug = "internal-error"
	PlanIncomplete       Slug = "plan-incomplete"

	PeriodOverlaps      Slug = "period-overlaps"
	PersonObjects       Slug = "person-objects"
	LocationHidden      Slug = "location-hidden"
	OrganisationMissing Slug = "organisation-missing"

	CursorExpired   Slug = "cursor-expired"
	TooManyRequests Slug = "too-many-requests"
)

type entry struct {
	status int
	title  string
	mend   string
}

var catalogue = map[Slug]entry{
	Malformed:            {400, "The request cannot be read", "Send well-formed JSON in UTF-8 as the OpenAPI document describes it."},
	InvalidRequest:       {422, "The request is not valid", "Mend the fields that errors names. Values are not repeated, so that no personal data appear in answers."},
	Unauthenticated:      {401, "No valid access token", "Send Authorization: Bearer with a current access token of the ICS's identity provider, made for this API's audience."},
	WrongICS:             {403, "The token belongs to another ICS", "Use the API of the ICS that the token's ics claim names, or sign in to the right one."},
	Forbidden:            {403, "The role does not allow this", "Ask the ICS's administrator for a role that allows the operation; the OpenAPI document lists them as x-roles."},
	PurposeMissing:       {403, "The system gave no purpose", "Tokens of systems must carry the claim purpose with the value direct-care."},
	NotFound:             {404, "Not found", "The record does not exist or none of your services may see it; the answer is the same for both."},
	MethodNotAllowed:     {405, "The method is not allowed here", "Use one of the methods in the Allow header."},
	NotAcceptable:        {406, "The answer cannot be given in that form", "Accept application/json."},
	BodyTimeout:          {408, "The request took too long to arrive", "Send the body without pauses."},
	BodyTooLarge:         {413, "The request is too large", "Send less at once."},
	UnsupportedMediaType: {415, "The media type is not supported", "Send Content-Type: application/json."},
	NotYourService:       {403, "Another service is responsible", "Only the service that the record names may do this. Ask it, or refer the person."},
	ServiceClosing:       {409, "The service takes no new referrals", "Refer the person to another service of the directory (GET /v1/services); a closing service keeps the people it has."},
	StateConflict:        {409, "The record's state does not allow this", "Read the record again; someone may have changed it."},
	PreconditionRequired: {428, "The request does not say which version it changes", "Read the record, and send its ETag in the header If-Match."},
	PreconditionFailed:   {412, "The record has changed since it was read", "Read the record again, and send the new ETag if the change still fits."},
	PersonDied:           {409, "The person has died", "No new activity can be recorded for a person whose death is recorded."},
	ClosureIncomplete:    {422, "The closure is incomplete", "Nobody is discharged to no support: give the parts that missing names. An episode closes with a return plan, a permitted reason and either acceptance by a receiver or the person's own choice. Not attending is never a reason."},
	OutcomeIncomplete:    {422, "The outcome of the referral is incomplete", "A referral is never simply rejected: give the parts that missing names, or send the person on (Redirected). Not attending and not being reachable are no outcomes."},
	LiveTransferNeeded:   {409, "A crisis step-up needs a live transfer", "Nobody in a crisis is sent back. Offer the person on to another service (POST /v1/handovers/{id}/transfers); when it has accepted, the first handover ends by itself."},
	KeyReused:            {422, "The Idempotency-Key was used for another request", "Use a new key for a new request, and the same key only to repeat one."},
	SignInUnavailable:    {503, "Tokens cannot be checked now", "The ICS's identity provider does not answer. Repeat the request later."},
	DatabaseUnavailable:  {503, "The database is not available now", "Repeat the request, with the same Idempotency-Key if it had one."},
	DirectoryOlder:       {409, "A newer directory is committed", "Read the committed directory and send a higher revision."},
	ReadOnly:             {503, "Records can be read and not changed now", "The ICS's platform team has made the system read-only for a while. Keep the request and repeat it later, with the same Idempotency-Key if it had one; Retry-After says how soon it is worth a try."},
	MergeRefused:         {409, "The records cannot be merged so", "The detail says what stands against it. Merges are one deep, keep the NHS number, and do not decide whether somebody has died."},
	OrganisationMissing:  {403, "The token names no organisation", "Tokens of partners' officers must carry the claim organisation with the ODS code of the organisation, or its name where it has none."},
	Internal:             {500, "Something went wrong here", "Repeat the request. If it fails again, tell the service desk the instance."},
	PlanIncomplete:       {422, "The plan is incomplete", "A plan in force has at least one goal in the person's own words, a day of review within a year, and the person's agreement or the recorded reason why there is none; where capacity is lacking, a record of best interests, an attorney or an advocate. Give the parts that missing names."},

	PeriodOverlaps: {409, "Another one is in force at that time", "A person has at most one registration and one residence on any day. Send endsEarlier to end the present one the day before, or change that one first."},
	PersonObjects:  {409, "The person objects to that organisation", "Talk it through with the person: choose another service, or record that they withdraw the objection. The person's own request, and a crisis, are never refused."},
	LocationHidden: {403, "Where the person is stays hidden", "Only the service that is responsible for the person sees and changes address, practice and contact while an alert says that the location is sensitive. Ask it to reach the person."},

	CursorExpired:   {410, "The change feed does not go back to the cursor", "Take a new cursor (GET /v1/changes?since=latest), read the lists that you follow once, and go on from the new cursor."},
	TooManyRequests: {429, "Too many requests", "Wait as many seconds as Retry-After says, and send requests more evenly. The request was not looked at; it can be repeated with the same Idempotency-Key if it had one."},
}

var byStatus = map[int]Slug{
	http.StatusBadRequest: Malformed, http.StatusUnauthorized: Unauthenticated, http.StatusForbidden: Forbidden,
	http.StatusNotFound: NotFound, http.StatusMethodNotAllowed: MethodNotAllowed, http.StatusNotAcceptable: NotAcceptable,
	http.StatusRequestTimeout: BodyTimeout, http.StatusRequestEntityTooLarge: BodyTooLarge,
	http.StatusUnsupportedMediaType: UnsupportedMediaType, http.StatusUnprocessableEntity: InvalidRequest,
}

const path = "/problems/"

// Pages serves an explanation under each problem's type.
func Pages(mux *http.ServeMux) {
	for slug, e := range catalogue {
		page := fmt.Sprintf("<!doctype html>\n<html lang=\"en-GB\">\n<meta charset=\"utf-8\">\n<title>%[1]s</title>\n<h1>%[1]s</h1>\n<p>HTTP status %[2]d.</p>\n<p>%[3]s</p>\n</html>\n",
			html.EscapeString(e.title), e.status, html.EscapeString(e.mend))
		mux.HandleFunc("GET "+path+string(slug), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte(page)) // a broken connection has no one to tell
		})
	}
}

// Table is the catalogue as Markdown, for the documentation.
func Table() string {
	var b strings.Builder
	b.WriteString("| type | status | meaning | what to do |\n| --- | --- | --- | --- |\n")
	for _, slug := range slices.Sorted(maps.Keys(catalogue)) {
		e := catalogue[slug]
		fmt.Fprintf(&b, "| `%s%s` | %d | %s | %s |\n", path, slug, e.status, e.title, e.mend)
	}
	return b.String()
}
