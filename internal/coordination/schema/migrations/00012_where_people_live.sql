-- +goose Up

-- An exclusion constraint over a person and a span of days needs equality of ids in a GiST index. The extension is part of PostgreSQL and
-- trusted: the database's owner makes it. It has a schema of its own, so that public holds nothing that PUBLIC may execute.
CREATE SCHEMA IF NOT EXISTS extensions;
CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA extensions;

-- At most one registration and one residence at a time; none is allowed. Both days belong to the span, no last day means until further
-- notice. What was entered in error stays, and counts for nothing.
CREATE TABLE registrations (
    id                uuid PRIMARY KEY,
    person_id         uuid NOT NULL REFERENCES people,
    -- V81997 to V81999 stand for no practice or an unknown one: that is no registration.
    practice_ods_code text NOT NULL CHECK (practice_ods_code ~ '^[A-Z][0-9]{5}$' AND practice_ods_code NOT IN ('V81997', 'V81998', 'V81999')),
    from_on           date NOT NULL CHECK (from_on >= '1900-01-01'),
    to_on             date CHECK (to_on >= from_on),
    entered_in_error_at timestamptz,
    recorded_by       text NOT NULL,
    recorded_at       timestamptz NOT NULL DEFAULT now(),
    changed_by        text,
    changed_at        timestamptz,
    CHECK (from_on <= (recorded_at AT TIME ZONE 'Europe/London')::date),
    CONSTRAINT one_registration_at_a_time EXCLUDE USING gist (person_id WITH =, daterange(from_on, to_on, '[]') WITH &&) WHERE (entered_in_error_at IS NULL)
);
CREATE INDEX registrations_person ON registrations (person_id);

CREATE TABLE residences (
    id               uuid PRIMARY KEY,
    person_id        uuid NOT NULL REFERENCES people,
    kind             text NOT NULL CHECK (kind IN ('Address', 'Temporary', 'CareHome', 'Hospital', 'Prison', 'OutOfArea', 'Abroad', 'NoFixedAbode')),
    lines            text[] NOT NULL DEFAULT '{}' CHECK (cardinality(lines) <= 5 AND array_position(lines, NULL) IS NULL),
    postcode         text CHECK (postcode ~ '^[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}$'),
    lsoa             text CHECK (lsoa ~ '^[EW]01[0-9]{6}$'),
    neighbourhood    text,
    imd_decile       integer CHECK (imd_decile BETWEEN 1 AND 10),
    imd_edition      integer CHECK (imd_edition IN (2019, 2025)),
    from_on          date NOT NULL CHECK (from_on >= '1900-01-01'),
    to_on            date CHECK (to_on >= from_on),
    entered_in_error_at timestamptz,
    recorded_by      text NOT NULL,
    recorded_at      timestamptz NOT NULL DEFAULT now(),
    changed_by       text,
    changed_at       timestamptz,
    CHECK (from_on <= (recorded_at AT TIME ZONE 'Europe/London')::date),
    CONSTRAINT address_of_an_address CHECK (kind <> 'Address' OR cardinality(lines) > 0),
    CONSTRAINT nowhere_has_no_address CHECK (kind <> 'NoFixedAbode' OR (lines = '{}' AND postcode IS NULL AND lsoa IS NULL)),
    CONSTRAINT elsewhere_has_no_neighbourhood CHECK (kind NOT IN ('OutOfArea', 'Abroad') OR neighbourhood IS NULL),
    CONSTRAINT deprivation_of_an_area CHECK ((imd_decile IS NULL) = (imd_edition IS NULL) AND (imd_decile IS NULL OR lsoa IS NOT NULL)),
    CONSTRAINT one_residence_at_a_time EXCLUDE USING gist (person_id WITH =, daterange(from_on, to_on, '[]') WITH &&) WHERE (entered_in_error_at IS NULL)
);
CREATE INDEX residences_person ON residences (person_id);

-- +goose StatementBegin
-- No foreign key: each commit of a directory makes its neighbourhoods anew, and one that has gone stays in the history.
CREATE FUNCTION residence_in_directory() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM neighbourhoods n WHERE n.name = NEW.neighbourhood) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM011', MESSAGE = 'the directory has no neighbourhood of that name';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER residence_in_directory BEFORE INSERT ON residences
    FOR EACH ROW WHEN (NEW.neighbourhood IS NOT NULL) EXECUTE FUNCTION residence_in_directory();

CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON registrations FOR EACH ROW EXECUTE FUNCTION person_part_changed();
CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON residences    FOR EACH ROW EXECUTE FUNCTION person_part_changed();
CREATE TRIGGER keep_earlier_version AFTER UPDATE ON registrations FOR EACH ROW EXECUTE FUNCTION keep_earlier_version();
CREATE TRIGGER keep_earlier_version AFTER UPDATE ON residences    FOR EACH ROW EXECUTE FUNCTION keep_earlier_version();
INSERT INTO record_tables VALUES ('registrations'), ('residences');

ALTER TABLE registrations ENABLE ROW LEVEL SECURITY;
ALTER TABLE residences ENABLE ROW LEVEL SECURITY;

-- A practice tells where a person lives as well as an address does.
CREATE POLICY visible ON registrations FOR SELECT TO cmhf_app USING (caller_sees_location(person_id));
CREATE POLICY record ON registrations FOR INSERT TO cmhf_app
    WITH CHECK (recorded_by = caller_subject() AND caller_supports(person_id) AND caller_sees_location(person_id));
CREATE POLICY change ON registrations FOR UPDATE TO cmhf_app
    USING (caller_supports(person_id) AND caller_sees_location(person_id) AND entered_in_error_at IS NULL) WITH CHECK (changed_by = caller_subject());
CREATE POLICY visible ON residences FOR SELECT TO cmhf_app USING (caller_sees_location(person_id));
CREATE POLICY record ON residences FOR INSERT TO cmhf_app
    WITH CHECK (recorded_by = caller_subject() AND caller_supports(person_id) AND caller_sees_location(person_id));
CREATE POLICY change ON residences FOR UPDATE TO cmhf_app
    USING (caller_supports(person_id) AND caller_sees_location(person_id) AND entered_in_error_at IS NULL) WITH CHECK (changed_by = caller_subject());

GRANT SELECT, INSERT (id, person_id, practice_ods_code, from_on, to_on, recorded_by), UPDATE (to_on, entered_in_error_at, changed_by, changed_at) ON registrations TO cmhf_app;
GRANT SELECT, INSERT (id, person_id, kind, lines, postcode, lsoa, neighbourhood, imd_decile, imd_edition, from_on, to_on, recorded_by),
      UPDATE (to_on, entered_in_error_at, changed_by, changed_at) ON residences TO cmhf_app;
