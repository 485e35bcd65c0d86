package services

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/directory"
)

var (
	//go:embed sql/commit.sql
	commitSQL string
	//go:embed sql/committed.sql
	committedSQL string
)

// Committed reads what the database holds.
func Committed(ctx context.Context, pool *pgxpool.Pool) (directory.Committed, error) {
	var c directory.Committed
	if err := pool.QueryRow(ctx, committedSQL).Scan(&c.Revision, &c.Digest, &c.Services); err != nil {
		return directory.Committed{}, fmt.Errorf("reading the committed directory: %w", err)
	}
	return c, nil
}

// Commit stores a directory in one transaction: services, neighbourhoods and thereby the scopes that tokens map to. The
// same directory again changes nothing. Errors that the sender can mend are problems.
func Commit(ctx context.Context, pool *pgxpool.Pool, odsCode string, d directory.Directory) (directory.Committed, error) {
	if err := validate(odsCode, d); err != nil {
		return directory.Committed{}, err
	}
	document, err := json.Marshal(withoutNulls(d))
	if err != nil {
		return directory.Committed{}, fmt.Errorf("encoding the directory: %w", err)
	}
	digests := map[string]string{}
	for _, s := range d.Services {
		digests[s.Name] = s.Digest()
	}
	var outcome string
	err = pool.QueryRow(ctx, commitSQL, pgx.NamedArgs{"document": document, "digest": d.Digest(), "service_digests": digests}).Scan(&outcome)
	switch {
	case err != nil:
		return directory.Committed{}, fmt.Errorf("committing directory revision %d: %w", d.Revision, err)
	case outcome == "Older":
		return directory.Committed{}, problem.New(problem.DirectoryOlder, "A revision newer than %d is committed.", d.Revision)
	case outcome == "Conflict":
		return directory.Committed{}, problem.New(problem.DirectoryOlder, "Revision %d is committed with other content: a change needs a higher revision.", d.Revision)
	}
	return Committed(ctx, pool)
}

// withoutNulls writes absent lists as empty ones for the database; the digest stays that of the directory as it was sent.
func withoutNulls(d directory.Directory) directory.Directory {
	d.Neighbourhoods = append([]directory.Neighbourhood{}, d.Neighbourhoods...)
	d.Services = append([]directory.Service{}, d.Services...)
	for i, s := range d.Services {
		d.Services[i].Neighbourhoods = append([]string{}, s.Neighbourhoods...)
		d.Services[i].Functions = append([]string{}, s.Functions...)
		d.Services[i].EntryRoutes = append([]string{}, s.EntryRoutes...)
	}
	return d
}

var functions = []string{"Core", "EatingDisorders", "CommunityRehabilitation", "ComplexEmotionalNeeds", "EarlyInterventionPsychosis", "OlderAdults", "YoungAdults", "PerinatalLink", "CrisisLink"}

func validate(odsCode string, d directory.Directory) error {
	switch {
	case d.Format != directory.FormatV1:
		return problem.InvalidField("body.format", "this API understands %s", directory.FormatV1)
	case d.ODSCode != odsCode:
		return problem.InvalidField("body.odsCode", "this API serves the ICS %s", odsCode)
	case d.Revision < 1:
		return problem.InvalidField("body.revision", "give a revision of 1 or more")
	}
	places := map[string]bool{}
	for i, n := range d.Neighbourhoods {
		at := fmt.Sprintf("body.neighbourhoods[%d]", i)
		if n.Name == "" || n.Place == "" {
			return problem.InvalidField(at, "name and place are needed")
		}
		if places[n.Name] {
			return problem.InvalidField(at+".name", "the name is used twice")
		}
		places[n.Name] = true
	}
	seen, open := map[string]bool{}, map[string]bool{}
	for i, s := range d.Services {
		at := fmt.Sprintf("body.services[%d]", i)
		open[s.Name] = s.State == directory.StateOpen
		if seen[s.Name] {
			return problem.InvalidField(at+".name", "the name is used twice")
		}
		seen[s.Name] = true
		if err := validateService(at, odsCode, s, places); err != nil {
			return err
		}
	}
	if d.DefaultService != "" && !open[d.DefaultService] {
		return problem.InvalidField("body.defaultService", "this is no open service of the directory")
	}
	return nil
}

func validateService(at, odsCode string, s directory.Service, neighbourhoods map[string]bool) error {
	switch {
	case s.Name == "" || s.DisplayName == "" || s.Place == "":
		return problem.InvalidField(at, "name, displayName and place are needed")
	case s.ID == uuid.Nil || s.ID != directory.ServiceID(odsCode, s.Name):
		return problem.InvalidField(at+".id", "this is not the identifier of a service of that name in this ICS")
	case s.State != directory.StateOpen && s.State != directory.StateClosing:
		return problem.InvalidField(at+".state", "use %s or %s", directory.StateOpen, directory.StateClosing)
	case s.LeadProvider.ODSCode == "" || s.LeadProvider.Name == "":
		return problem.InvalidField(at+".leadProvider", "odsCode and name are needed")
	case s.MinimumAge != nil && s.MaximumAge != nil && *s.MinimumAge > *s.MaximumAge:
		return problem.InvalidField(at+".minimumAge", "it is above maximumAge")
	}
	for j, n := range s.Neighbourhoods {
		if !neighbourhoods[n] {
			return problem.InvalidField(fmt.Sprintf("%s.neighbourhoods[%d]", at, j), "this neighbourhood is not in the directory")
		}
	}
	for j, f := range s.Functions {
		if !slices.Contains(functions, f) {
			return problem.InvalidField(fmt.Sprintf("%s.functions[%d]", at, j), "unknown function")
		}
	}
	return validateDeclared(at, s)
}

// validateDeclared looks at what a service declares beyond its name and reach.
func validateDeclared(at string, s directory.Service) error {
	ids := map[string]bool{}
	for j, standard := range s.Standards {
		where := fmt.Sprintf("%s.standards[%d]", at, j)
		switch {
		case !slices.Contains(directory.StandardIDs, standard.ID):
			return problem.InvalidField(where+".id", "unknown standard")
		case ids[standard.ID]:
			return problem.InvalidField(where+".id", "the standard is set twice")
		case standard.Value < 1 || standard.Value > maxStandard:
			return problem.InvalidField(where+".value", "give a number from 1 to %d", maxStandard)
		case standard.Source == "":
			return problem.InvalidField(where+".source", "say whose standard it is")
		}
		ids[standard.ID] = true
	}
	if c := s.Capacity; c != nil && (c.Caseload != nil && *c.Caseload < 0 || c.KeyWorkers != nil && *c.KeyWorkers < 0) {
		return problem.InvalidField(at+".capacity", "numbers are not negative")
	}
	for j, partner := range s.Partners {
		if partner.Name == "" || !slices.Contains(directory.Sectors, partner.Sector) {
			return problem.InvalidField(fmt.Sprintf("%s.partners[%d]", at, j), "a name and a known sector are needed")
		}
	}
	return nil
}

// maxStandard is beyond any value that makes sense in any unit.
const maxStandard = 1000

// IsOlder tells whether Commit refused a directory because a newer one is in place.
func IsOlder(err error) bool {
	var p *problem.Problem
	return errors.As(err, &p) && p.Slug() == problem.DirectoryOlder
}

// IsInvalid tells whether Commit refused a directory for its content.
func IsInvalid(err error) bool {
	var p *problem.Problem
	return errors.As(err, &p) && p.Slug() == problem.InvalidRequest
}
