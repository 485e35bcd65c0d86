package schema_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/cmhf/operator/internal/coordination/schema"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

func of(odsCode string, synthetic bool) schema.Settings {
	return schema.Settings{Holder: schema.Holder{ODSCode: odsCode, Synthetic: synthetic}}
}

// Two systems that are led to one database by mistake never share it, and neither do real and invented people.
func TestADatabaseHasOneHolder(t *testing.T) {
	t.Parallel()
	database := migrated.New(t)
	app := postgres.Connect(t, database.AppURL)
	for name, other := range map[string]schema.Settings{"another system": of("QSL", true), "real people": of("QOP", false)} {
		if err := schema.Migrate(t.Context(), database.OwnerURL, other); !errors.Is(err, schema.ErrAnotherHolder) || !strings.Contains(err.Error(), "Synthetic data of QOP") {
			t.Errorf("%s: migrating: %v", name, err)
		}
		if _, err := schema.Serves(t.Context(), app, other.Holder); !errors.Is(err, schema.ErrAnotherHolder) {
			t.Errorf("%s: serving: %v", name, err)
		}
	}
	if err := schema.Migrate(t.Context(), database.OwnerURL, ours); err != nil {
		t.Errorf("the holder's own migration: %v", err)
	}
	if _, err := schema.Serves(t.Context(), app, ours.Holder); err != nil {
		t.Errorf("the holder's own program: %v", err)
	}
}

// A database of an earlier release says nothing: the first migration writes whose it is, and of two that come at once one wins.
func TestTheFirstMigrationStamps(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]*postgres.Database{"of an earlier release": empty.New(t), "empty": empty.New(t)} {
		if name != "empty" {
			if err := schema.MigrateTo(t.Context(), database.OwnerURL, 7); err != nil { // the last one that does not know holders
				t.Fatal(err)
			}
		}
		systems := []schema.Settings{of("QOP", true), of("QSL", true), of("QOP", false)}
		errs := make([]error, len(systems))
		var group sync.WaitGroup
		for i, system := range systems {
			group.Go(func() { errs[i] = schema.Migrate(t.Context(), database.OwnerURL, system) })
		}
		group.Wait()
		won := 0
		for i, err := range errs {
			switch {
			case err == nil:
				won++
				if _, err := schema.Serves(t.Context(), postgres.Connect(t, database.AppURL), systems[i].Holder); err != nil {
					t.Errorf("%s: serving for the one that won: %v", name, err)
				}
			case !errors.Is(err, schema.ErrAnotherHolder):
				t.Errorf("%s: %v", name, err)
			}
		}
		if won != 1 {
			t.Errorf("%s: %d of three systems got the database, want one: %v", name, won, errs)
		}
	}
}

// An empty database in the place of one that had data is left as it is: nothing hides that the records are missing.
func TestNothingBeginsWhereDataAreExpected(t *testing.T) {
	t.Parallel()
	expecting := ours
	expecting.ExpectData = true
	database := empty.New(t)
	if err := schema.Migrate(t.Context(), database.OwnerURL, expecting); err == nil || !strings.Contains(err.Error(), "had data") {
		t.Errorf("an empty database: %v", err)
	}
	var relations int
	if err := postgres.Connect(t, database.OwnerURL).QueryRow(t.Context(), "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace").Scan(&relations); err != nil || relations != 0 {
		t.Errorf("%d relations were made (%v), want none", relations, err)
	}
	if err := schema.Migrate(t.Context(), migrated.New(t).OwnerURL, expecting); err != nil {
		t.Errorf("a database with its schema: %v", err)
	}
}

func TestSettingsFromEnvironment(t *testing.T) {
	t.Parallel()
	read := func(environment map[string]string) (schema.Settings, error) {
		return schema.SettingsFromEnvironment(func(name string) string { return environment[name] })
	}
	got, err := read(map[string]string{"CMHF_ODS_CODE": "QOP", "CMHF_SYNTHETIC": "true", "CMHF_EXPECT_DATA": "true"})
	if want := (schema.Settings{Holder: schema.Holder{ODSCode: "QOP", Synthetic: true}, ExpectData: true}); err != nil || got != want {
		t.Errorf("%+v (%v), want %+v", got, err, want)
	}
	if _, err := read(map[string]string{"CMHF_SYNTHETIC": "perhaps", "CMHF_EXPECT_DATA": "yes"}); err == nil ||
		!strings.Contains(err.Error(), "CMHF_ODS_CODE") || !strings.Contains(err.Error(), "CMHF_SYNTHETIC") || !strings.Contains(err.Error(), "CMHF_EXPECT_DATA") {
		t.Errorf("what is wrong is not named: %v", err)
	}
}
