-- +goose Up

-- How many people live where, as uploaded: rates have no other denominator. An upload replaces the one before as a whole; all are kept.
CREATE TABLE population_uploads (
    version        bigint PRIMARY KEY,
    edition        text NOT NULL CHECK (length(btrim(edition)) BETWEEN 1 AND 100),
    source         text NOT NULL CHECK (length(btrim(source)) BETWEEN 1 AND 300),
    reference_date date NOT NULL,
    uploaded_by    text NOT NULL,
    uploaded_at    timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE populations (
    version        bigint NOT NULL REFERENCES population_uploads,
    geography_kind text NOT NULL CHECK (geography_kind IN ('ICS', 'Place', 'Neighbourhood')),
    geography      text NOT NULL,
    breakdown_kind text NOT NULL CHECK (breakdown_kind IN ('', 'ageBand', 'ethnicity', 'gender', 'deprivation')),
    breakdown      text NOT NULL,
    people         bigint NOT NULL CHECK (people > 0),
    PRIMARY KEY (version, geography_kind, geography, breakdown_kind, breakdown),
    CHECK ((breakdown_kind = '') = (breakdown = ''))
);

-- Series that others publish, as uploaded, with where they come from. Each upload is a version of its own; all are kept.
CREATE TABLE series_uploads (
    id          text NOT NULL CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(id) <= 63),
    version     bigint NOT NULL,
    title       text NOT NULL CHECK (length(btrim(title)) BETWEEN 1 AND 200),
    definition  text NOT NULL CHECK (length(btrim(definition)) BETWEEN 1 AND 2000),
    unit        text NOT NULL CHECK (length(btrim(unit)) BETWEEN 1 AND 100),
    better_when text NOT NULL CHECK (better_when IN ('Higher', 'Lower', 'Neither')),
    edition     text NOT NULL CHECK (length(btrim(edition)) BETWEEN 1 AND 100),
    source      text NOT NULL CHECK (length(btrim(source)) BETWEEN 1 AND 300),
    url         text CHECK (url ~ '^https://' AND length(url) <= 500),
    uploaded_by text NOT NULL,
    uploaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, version)
);
CREATE TABLE series_points (
    id             text NOT NULL,
    version        bigint NOT NULL,
    from_on        date NOT NULL,
    to_on          date NOT NULL CHECK (to_on >= from_on),
    geography_kind text NOT NULL CHECK (geography_kind IN ('England', 'Region', 'ICS', 'Place', 'LocalAuthority', 'Provider')),
    geography      text NOT NULL CHECK (length(btrim(geography)) BETWEEN 1 AND 200),
    value          numeric, -- null: the source gives none
    numerator      numeric,
    denominator    numeric,
    PRIMARY KEY (id, version, from_on, to_on, geography_kind, geography),
    FOREIGN KEY (id, version) REFERENCES series_uploads
);

-- +goose StatementBegin
-- An upload is whole when it is made: nothing is added to it later.
CREATE FUNCTION part_of_new_upload() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    late boolean;
BEGIN
    IF TG_TABLE_NAME = 'populations' THEN
        SELECT EXISTS (SELECT FROM added a JOIN population_uploads u USING (version) WHERE u.uploaded_at <> now()) INTO late;
    ELSE
        SELECT EXISTS (SELECT FROM added a JOIN series_uploads u USING (id, version) WHERE u.uploaded_at <> now()) INTO late;
    END IF;
    IF late THEN
        RAISE EXCEPTION USING ERRCODE = 'CM081', MESSAGE = 'an upload does not change after it was made';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER part_of_new_upload AFTER INSERT ON populations REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION part_of_new_upload();
CREATE TRIGGER part_of_new_upload AFTER INSERT ON series_points REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION part_of_new_upload();

-- No personal data: everyone who may ask sees all. Who uploads is the caller.
ALTER TABLE population_uploads ENABLE ROW LEVEL SECURITY;
ALTER TABLE series_uploads ENABLE ROW LEVEL SECURITY;
CREATE POLICY everyone ON population_uploads FOR SELECT TO cmhf_app USING (true);
CREATE POLICY everyone ON series_uploads FOR SELECT TO cmhf_app USING (true);
CREATE POLICY own ON population_uploads FOR INSERT TO cmhf_app WITH CHECK (uploaded_by = caller_subject());
CREATE POLICY own ON series_uploads FOR INSERT TO cmhf_app WITH CHECK (uploaded_by = caller_subject());
GRANT SELECT, INSERT (version, edition, source, reference_date, uploaded_by) ON population_uploads TO cmhf_app;
GRANT SELECT, INSERT (id, version, title, definition, unit, better_when, edition, source, url, uploaded_by) ON series_uploads TO cmhf_app;
GRANT SELECT, INSERT ON populations, series_points TO cmhf_app;
