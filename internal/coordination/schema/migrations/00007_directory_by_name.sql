-- +goose Up

-- A service keeps the identifier that the database has for its name. A restored database may come from another system, whose
-- services had identifiers of their own; everything recorded refers to those.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION commit_directory(p_document jsonb, p_digest text, p_service_digests jsonb) RETURNS text
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
    ON CONFLICT (name) DO UPDATE SET
        display_name = excluded.display_name, state = excluded.state, place = excluded.place,
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
