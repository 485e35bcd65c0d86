-- +goose Up
-- Invented people with a past (`coordination-api seed`). Their activity is written under the same constraints and triggers as everybody's. Those say
-- now() where a writer may not choose the time, so the seed brings a clock of its own and takes it away again; no migration knows of it.

-- One seed per database, so that a second run changes nothing and a run that was interrupted goes on where it stopped. No grants.
CREATE TABLE synthetic_seed (
    only_row         boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    seed             bigint NOT NULL,
    people           integer NOT NULL CHECK (people > 0),
    people_in_a_part integer NOT NULL CHECK (people_in_a_part > 0), -- they are written together
    as_of            date NOT NULL, -- the last day of the activity
    started_at       timestamptz NOT NULL DEFAULT now(),
    finished_at      timestamptz
);
CREATE TABLE synthetic_seed_parts (
    part    integer PRIMARY KEY,
    through date NOT NULL -- everything of the part up to and including this day is written
);

-- +goose StatementBegin
CREATE FUNCTION only_where_people_are_invented() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (SELECT data FROM schema_info) IS DISTINCT FROM 'Synthetic' THEN
        RAISE EXCEPTION USING ERRCODE = 'CM095', MESSAGE = 'invented people are made only in a database marked as synthetic';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER only_where_people_are_invented BEFORE INSERT OR UPDATE ON synthetic_seed
    FOR EACH ROW EXECUTE FUNCTION only_where_people_are_invented();
