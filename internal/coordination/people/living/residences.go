package living

import (
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/list_residences.sql
	listResidencesSQL string
	//go:embed sql/insert_residence.sql
	insertResidenceSQL string
	//go:embed sql/residence_overlaps.sql
	residenceOverlapsSQL string
	//go:embed sql/end_residence.sql
	endResidenceSQL string
	//go:embed sql/find_residence.sql
	findResidenceSQL string
	//go:embed sql/read_residence.sql
	readResidenceSQL string
	//go:embed sql/change_residence.sql
	changeResidenceSQL string
	//go:embed sql/find_neighbourhood.sql
	findNeighbourhoodSQL string
)

var residences = ledger{"residence", residenceOverlapsSQL, endResidenceSQL, findResidenceSQL, readResidenceSQL, changeResidenceSQL}

// Place is where a person lives or stays.
type Place struct {
	Kind          string   `json:"kind" enum:"Address,Temporary,CareHome,Hospital,Prison,OutOfArea,Abroad,NoFixedAbode" doc:"NoFixedAbode has no address; it may have the neighbourhood where the person is usually found."`
	Lines         []string `json:"lines,omitempty" nullable:"false" maxItems:"5" doc:"The address without its postcode, at least one line when kind is Address." example:"[\"1 Example Street\",\"Exampleton\"]"`
	Postcode      *string  `json:"postcode,omitempty" maxLength:"8" example:"ZZ1 1ZZ"`
	LSOA          *string  `json:"lsoa,omitempty" pattern:"^[EW]01[0-9]{6}$" doc:"Code of the small area (LSOA) of the postcode."`
	Neighbourhood *string  `json:"neighbourhood,omitempty" maxLength:"63" pattern:"\\S" doc:"Name of a neighbourhood of this ICS as in the directory."`
	IMDDecile     *int32   `json:"imdDecile,omitempty" minimum:"1" maximum:"10" doc:"Decile of the Index of Multiple Deprivation of the small area; 1 is the most deprived. With imdEdition and lsoa."`
	IMDEdition    *int32   `json:"imdEdition,omitempty" enum:"2019,2025" doc:"Edition of the index; deciles of different editions can't be compared."`
}

var postcodePattern = regexp.MustCompile(`^[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2}$`)

// parsePostcode gives the one form in which postcodes are stored: capital letters, one space before the last three characters.
func parsePostcode(s string) (string, bool) {
	compact := strings.ToUpper(strings.ReplaceAll(s, " ", ""))
	if !postcodePattern.MatchString(compact) {
		return "", false
	}
	return compact[:len(compact)-3] + " " + compact[len(compact)-3:], true
}

// check finds what the database would refuse, and brings the postcode into its form.
func (p *Place) check() error {
	for i, line := range p.Lines {
		if n := len([]rune(strings.TrimSpace(line))); n == 0 || n > 100 {
			return problem.InvalidField(fmt.Sprintf("body.lines[%d]", i), "give 1 to 100 characters")
		}
	}
	if p.Postcode != nil {
		postcode, ok := parsePostcode(*p.Postcode)
		if !ok {
			return problem.InvalidField("body.postcode", "give a whole postcode of the United Kingdom")
		}
		p.Postcode = &postcode
	}
	switch {
	case p.Kind == "Address" && len(p.Lines) == 0:
		return problem.InvalidField("body.lines", "give at least one line; someone without an address is of the kind NoFixedAbode")
	case p.Kind == "NoFixedAbode" && (len(p.Lines) > 0 || p.Postcode != nil || p.LSOA != nil):
		return problem.InvalidField("body.kind", "someone of no fixed abode has no address, postcode or lsoa; say where else they stay by another kind")
	case (p.Kind == "OutOfArea" || p.Kind == "Abroad") && p.Neighbourhood != nil:
		return problem.InvalidField("body.neighbourhood", "leave it out: the place is outside this ICS")
	case (p.IMDDecile == nil) != (p.IMDEdition == nil):
		return problem.InvalidField("body.imdEdition", "give imdDecile and imdEdition together")
	case p.IMDDecile != nil && p.LSOA == nil:
		return problem.InvalidField("body.lsoa", "give the small area of which imdDecile is")
	}
	return nil
}

// Residence is where a person lives or stays, or did.
type Residence struct {
	Place
	ICSPlace *string `json:"place,omitempty" doc:"The place of the ICS to which the neighbourhood belongs; left out when the directory has that neighbourhood no more."`
	Entry
}

type residencesOutput struct {
	rest.Tag
	Body struct {
		Hidden bool        `json:"hidden" doc:"The location is sensitive and none of your services is responsible: nothing is shown, whether there is something or not."`
		Items  []Residence `json:"items" nullable:"false" doc:"Newest first, history and what was entered in error included."`
	}
}

func listResidences(ctx context.Context, tx *store.Tx, in *idInput) (*residencesOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	return residencesOf(ctx, tx, in.ID, uuid.Nil)
}

func residencesOf(ctx context.Context, tx *store.Tx, person, part uuid.UUID) (*residencesOutput, error) {
	parts, standing, err := people.Parts[Residence](ctx, tx, listResidencesSQL, person, part)
	if err != nil {
		return nil, err
	}
	out := &residencesOutput{Tag: standing.Tag()}
	out.Body.Hidden, out.Body.Items = standing.Hidden, parts
	return out, nil
}

type addResidenceInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Place
		Span
		EndsEarlier bool `json:"endsEarlier,omitempty" doc:"The residence that is in force ends on the day before."`
	}
}

func addResidence(ctx context.Context, tx *store.Tx, in *addResidenceInput) (*residencesOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	place := in.Body.Place
	if err := place.check(); err != nil {
		return nil, err
	}
	if place.Neighbourhood != nil {
		var known bool
		if err := tx.QueryRow(ctx, findNeighbourhoodSQL, pgx.NamedArgs{"name": *place.Neighbourhood}).Scan(&known); err != nil {
			return nil, fmt.Errorf("looking for a neighbourhood: %w", err)
		}
		if !known {
			return nil, problem.InvalidField("body.neighbourhood", "the directory has no neighbourhood of that name; see GET /v1/services")
		}
	}
	record, err := residences.open(ctx, tx, in.ID, in.Body.Span, in.Body.EndsEarlier)
	if err != nil {
		return nil, err
	}
	id, err := people.Add(ctx, tx, insertResidenceSQL, pgx.NamedArgs{
		"person": record, "kind": place.Kind, "lines": place.Lines, "postcode": place.Postcode, "lsoa": place.LSOA,
		"neighbourhood": place.Neighbourhood, "imd_decile": place.IMDDecile, "imd_edition": place.IMDEdition,
		"from": in.Body.From, "to": in.Body.To,
	})
	if err != nil {
		return nil, fmt.Errorf("recording a residence: %w", err)
	}
	return residencesOf(ctx, tx, record, id)
}

func changeResidence(ctx context.Context, tx *store.Tx, in *changeSpanInput) (*residencesOutput, error) {
	person, err := residences.alter(ctx, tx, in)
	if err != nil {
		return nil, err
	}
	return residencesOf(ctx, tx, person, in.ID)
}
