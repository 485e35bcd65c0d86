-- +goose Up

-- Functions are closed to everyone until granted. Most are definer functions: a trigger function that PUBLIC may execute would
-- work, with the owner's rights, on any table that its user makes. For the same reason nobody makes temporary tables here.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
-- +goose StatementBegin
DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$;
-- +goose StatementEnd

-- A newer program may migrate the database while older replicas still serve. compatible_from is the oldest schema version
-- whose programs still work with this schema; only a migration that removes something raises it.
CREATE TABLE schema_info (
    only_row        boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    compatible_from bigint NOT NULL
);
INSERT INTO schema_info (compatible_from) VALUES (1);

CREATE TABLE directory_commit (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    revision     bigint NOT NULL,
    digest       text NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO directory_commit (revision, digest) VALUES (0, '');

CREATE TABLE neighbourhoods (
    name  text PRIMARY KEY,
    place text NOT NULL
);

-- Services are never deleted: people and history refer to them. One that left the directory is Closing with no digest.
CREATE TABLE services (
    id                     uuid PRIMARY KEY,
    name                   text NOT NULL UNIQUE,
    display_name           text NOT NULL,
    state                  text NOT NULL CHECK (state IN ('Open', 'Closing')),
    place                  text NOT NULL,
    neighbourhoods         text[] NOT NULL,
    lead_provider_ods_code text NOT NULL,
    lead_provider_name     text NOT NULL,
    functions              text[] NOT NULL,
    entry_routes           text[] NOT NULL,
    minimum_age            integer,
    maximum_age            integer,
    digest                 text NOT NULL
);

-- +goose StatementBegin
-- Stores a whole directory, or nothing. The answer is Committed, Unchanged, Older or Conflict.
CREATE FUNCTION commit_directory(p_document jsonb, p_digest text, p_service_digests jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    held directory_commit;
    wanted bigint := (p_document->>'revision')::bigint;
BEGIN
    SELECT * INTO STRICT held FROM directory_commit FOR UPDATE;
    IF wanted < held.revision THEN RETURN 'Older'; END IF;
    IF wanted = held.revision THEN
        RETURN CASE WHEN p_digest = held.digest THEN 'Unchanged' ELSE 'Conflict' END;
    END IF;
    DELETE FROM neighbourhoods;
    INSERT INTO neighbourhoods (name, place)
    SELECT n->>'name', n->>'place' FROM jsonb_array_elements(p_document->'neighbourhoods') n;

    INSERT INTO services AS held_service (id, name, display_name, state, place, neighbourhoods, lead_provider_ods_code,
                                          lead_provider_name, functions, entry_routes, minimum_age, maximum_age, digest)
    SELECT (s->>'id')::uuid, s->>'name', s->>'displayName', s->>'state', s->>'place',
           ARRAY(SELECT jsonb_array_elements_text(s->'neighbourhoods')),
           s->'leadProvider'->>'odsCode', s->'leadProvider'->>'name',
           ARRAY(SELECT jsonb_array_elements_text(s->'functions')),
           ARRAY(SELECT jsonb_array_elements_text(s->'entryRoutes')),
           (s->>'minimumAge')::integer, (s->>'maximumAge')::integer,
           p_service_digests->>(s->>'name')
    FROM jsonb_array_elements(p_document->'services') s
    ON CONFLICT (id) DO UPDATE SET
        name = excluded.name, display_name = excluded.display_name, state = excluded.state, place = excluded.place,
        neighbourhoods = excluded.neighbourhoods, lead_provider_ods_code = excluded.lead_provider_ods_code,
        lead_provider_name = excluded.lead_provider_name, functions = excluded.functions,
        entry_routes = excluded.entry_routes, minimum_age = excluded.minimum_age, maximum_age = excluded.maximum_age,
        digest = excluded.digest;

    UPDATE services SET state = 'Closing', digest = ''
    WHERE NOT p_service_digests ? name;

    UPDATE directory_commit SET revision = wanted, digest = p_digest, committed_at = now();
    RETURN 'Committed';
END $$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION commit_directory TO cmhf_app;
GRANT SELECT ON schema_info, directory_commit, neighbourhoods, services, goose_db_version TO cmhf_app;
