// Package fhir is the FHIR R4 surface of the API, under /fhir/R4: reading, searching by patient and taking in referrals, for systems that
// speak FHIR and not this API's own language.
//
// It is a thin facade: the same records, table of access, transactions, row-level security, audit trail and refusals as /v1, told in
// FHIR's words. It keeps nothing of its own but what a sender posted, as it came, beside the referral that it made. Its types hold only
// the elements that it fills or understands. Inputs are FHIR resources and searches; outputs are resources, bundles and OperationOutcomes.
// It claims no profile, knows no XML, and changes nothing but by the intake of a referral.
package fhir

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
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

const root = "/fhir/R4/"

var (
	//go:embed sql/one.sql
	oneSQL string
	//go:embed sql/of_person.sql
	ofPersonSQL string
)

// route is one row of the routing table, from which the CapabilityStatement is made.
type route struct {
	Method, Path    string
	Operation       access.Operation
	kind            string
	interaction     string
	search          []searchParam
	conditionalMake bool
}

// server collects the routes while they are registered.
type server struct {
	api    *rest.API
	routes []route
}

// Route is where an operation of the surface is reached.
type Route struct {
	Method, Path string
	Operation    access.Operation
}

// Register adds the surface.
func Register(a *rest.API) {
	a.Speak(rest.Dialect{Prefix: root, Admit: admit, Refuse: refuse})
	s := &server{api: a}
	s.register()
	s.publish()
}

// Routes are the operations of the surface, in the order of the routing table.
func Routes() []Route {
	s := &server{}
	s.register()
	all := make([]Route, len(s.routes))
	for i, r := range s.routes {
		all[i] = Route{r.Method, r.Path, r.Operation}
	}
	return all
}

func (s *server) register() {
	registerPatient(s)
	register[relatedRow](s, "RelatedPerson", access.FHIRReadRelatedPerson, access.FHIRSearchRelatedPerson, relatedSQL)
	register[serviceRequestRow](s, "ServiceRequest", access.FHIRReadServiceRequest, access.FHIRSearchServiceRequest, serviceRequestSQL)
	registerIntake(s)
	register[episodeRow](s, "EpisodeOfCare", access.FHIRReadEpisodeOfCare, access.FHIRSearchEpisodeOfCare, episodeSQL)
	register[teamRow](s, "CareTeam", access.FHIRReadCareTeam, access.FHIRSearchCareTeam, teamSQL)
	registerRead[roleRow](s, "PractitionerRole", access.FHIRReadPractitionerRole, roleSQL)
	register[planRow](s, "CarePlan", access.FHIRReadCarePlan, access.FHIRSearchCarePlan, planSQL)
	register[goalRow](s, "Goal", access.FHIRReadGoal, access.FHIRSearchGoal, goalSQL)
	register[encounterRow](s, "Encounter", access.FHIRReadEncounter, access.FHIRSearchEncounter, encounterSQL)
	registerTask(s)
	register[answersRow](s, "QuestionnaireResponse", access.FHIRReadQuestionnaireResponse, access.FHIRSearchQuestionnaireResponse, answersSQL)
	register[scoreRow](s, "Observation", access.FHIRReadObservation, access.FHIRSearchObservation, scoreSQL)
	registerDirectory(s)
}

func (s *server) handle(r route, handle func(context.Context, *store.Tx, rest.Request) (*rest.Reply, error)) {
	s.routes = append(s.routes, r)
	if s.api == nil { // only the table is wanted
		return
	}
	concern := func(request *http.Request) store.Concern {
		id, err := uuid.Parse(request.PathValue("id"))
		switch {
		case err != nil:
			return store.Concern{}
		case r.kind == "Patient":
			return store.Concern{Person: id}
		}
		return store.Concern{Resource: id}
	}
	rest.HandleSpoken(s.api, rest.Spoken{Method: r.Method, Path: r.Path, Operation: r.Operation, Concern: concern},
		func(ctx context.Context, tx *store.Tx, in rest.Request) (*rest.Reply, error) {
			if err := acceptable(in.Request); err != nil {
				return nil, err
			}
			return handle(ctx, tx, in)
		})
}

// Stamp is what every row about a person begins with. Subject is the person's record in force, where theirs is merged into another.
type Stamp struct {
	ID, PersonID, Subject uuid.UUID
	At, UpdatedAt         time.Time
	Version               int64
}

func (s Stamp) stamp() Stamp { return s }

// base begins a resource. Versions live on the root of a record: the part of a whole has that of the whole.
func (s Stamp) base(kind string) base {
	return base{ResourceType: kind, ID: s.ID.String(), Meta: metaOf(s.Version, s.UpdatedAt)}
}

func (s Stamp) patient() *reference { return to("Patient", s.Subject, "") }

func metaOf(version int64, updated time.Time) *meta {
	return &meta{VersionID: fmt.Sprint(version), LastUpdated: instant(updated)}
}

// record is a row that is told as one resource.
type record interface {
	stamp() Stamp
	resource() any
}

func framed(frame, query string) string {
	return strings.Replace(frame, "/* the resource's query */", query, 1)
}

// registerRead adds reading of a kind of resource that is about one person. sql is the kind's query.
func registerRead[R record](s *server, kind string, read access.Operation, sql string) {
	one := framed(oneSQL, sql)
	s.handle(route{Method: http.MethodGet, Path: root + kind + "/{id}", Operation: read, kind: kind, interaction: "read"},
		func(ctx context.Context, tx *store.Tx, in rest.Request) (*rest.Reply, error) {
			id, err := pathID(in)
			if err != nil {
				return nil, err
			}
			found, ok, err := store.One[R](ctx, tx, one, pgx.NamedArgs{"id": id})
			if err != nil {
				return nil, fmt.Errorf("reading a %s: %w", kind, err)
			}
			if !ok {
				return nil, notFound()
			}
			tx.Touch(found.stamp().PersonID, id)
			return resourceReply(http.StatusOK, found.stamp().Version, found.resource()), nil
		})
}

// register adds reading and searching of a kind of resource that is about one person. sql is the kind's query.
func register[R record](s *server, kind string, read, search access.Operation, sql string) {
	registerRead[R](s, kind, read, sql)
	s.search(kind, search, patientParams, finder[R](kind, patientParams, sql))
}

// finder finds what a person has of a kind.
func finder[R record](kind string, params []searchParam, sql string) func(context.Context, *store.Tx, rest.Request) (*rest.Reply, error) {
	ofPerson := framed(ofPersonSQL, sql)
	return func(ctx context.Context, tx *store.Tx, in rest.Request) (*rest.Reply, error) {
		wanted, err := searchOf(in, params)
		if err != nil {
			return nil, err
		}
		tx.About(store.Concern{Person: wanted.person})
		rows, err := store.Rows[R](ctx, tx, ofPerson, pgx.NamedArgs{
			"person": wanted.person, "at": wanted.after.At, "after": wanted.after.ID, "limit": wanted.count + 1,
		})
		if err != nil {
			return nil, fmt.Errorf("searching %s: %w", kind, err)
		}
		if len(rows) == 0 {
			tx.Touch(wanted.person, uuid.Nil)
		}
		return pageOf(tx, in, kind, wanted, rows), nil
	}
}

// pageOf is the bundle of the rows, of which there is one more than wanted where another page follows.
func pageOf[R record](tx *store.Tx, in rest.Request, kind string, wanted search, rows []R) *rest.Reply {
	found := results{in: in, kind: kind}
	for i, r := range rows {
		stamp := r.stamp()
		if i == wanted.count {
			found.next = wanted.tokenAfter(rows[i-1].stamp())
			break
		}
		tx.Touch(stamp.PersonID, stamp.ID)
		found.add(stamp.ID.String(), r.resource())
	}
	return found.reply(wanted)
}

// search adds both ways to search: the addresses with GET, and the form with POST.
func (s *server) search(kind string, operation access.Operation, params []searchParam, find func(context.Context, *store.Tx, rest.Request) (*rest.Reply, error)) {
	s.handle(route{Method: http.MethodGet, Path: root + kind, Operation: operation, kind: kind, interaction: "search-type", search: params}, find)
	s.handle(route{Method: http.MethodPost, Path: root + kind + "/_search", Operation: operation, kind: kind, interaction: "search-type", search: params}, find)
}

func resourceReply(status int, version int64, resource any) *rest.Reply {
	r := reply(status, resource)
	r.Header["ETag"] = rest.TagOf(version).ETag
	return r
}

func pathID(in rest.Request) (uuid.UUID, error) {
	id, err := uuid.Parse(in.PathValue("id"))
	if err != nil || id.String() != in.PathValue("id") { // other spellings of the same id would be other addresses of one record
		return uuid.Nil, problem.InvalidField("id", "ids of this server are UUIDs in small letters")
	}
	return id, nil
}

func notFound() error {
	return problem.New(problem.NotFound, "There is no such resource, or none of your services may see it.")
}
