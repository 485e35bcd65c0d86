-- +goose Up

-- What the ICS has set itself, by the standard's id; a service may declare a value of its own. These are the ones that apply otherwise.
CREATE TABLE standards (
    id     text PRIMARY KEY,
    value  integer NOT NULL CHECK (value > 0),
    source text NOT NULL
);
INSERT INTO standards VALUES
    ('FirstContactDays',   28, 'NHS England, clinically-led review of mental health access standards, 2021: help within four weeks'),
    ('KeyWorkerDays',      14, 'Default of this product: a named key worker for everyone, soon after acceptance'),
    ('HandoverAnswerDays',  5, 'Default of this product: five days to answer who is sent on'),
    ('ReentryCheckDays',    7, 'Default of this product: the safety check within a week of coming back'),
    ('FollowUpHours',      72, 'NHS England: follow-up within 72 hours of leaving inpatient care'),
    ('ReviewMonths',       12, 'NHS England, position statement on the Care Programme Approach, 2022: a review at least every year');

ALTER TABLE services
    ADD COLUMN standards           jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN team_types          text[] NOT NULL DEFAULT '{}',
    ADD COLUMN caseload_capacity   integer,
    ADD COLUMN key_worker_capacity integer,
    ADD COLUMN partners            jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN settings            text[] NOT NULL DEFAULT '{}',
    ADD COLUMN coordination_levels text[] NOT NULL DEFAULT '{}';

-- The service that receives people for whom nobody names one.
ALTER TABLE directory_commit ADD COLUMN default_service text;

-- +goose StatementBegin
-- The value that applies to a service.
CREATE FUNCTION standard_of(p_service uuid, p_id text) RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT (own->>'value')::integer FROM services s, jsonb_array_elements(s.standards) own WHERE s.id = p_service AND own->>'id' = p_id),
                    (SELECT value FROM standards WHERE id = p_id));
END $$;
-- +goose StatementEnd
GRANT SELECT ON standards TO cmhf_app;
GRANT EXECUTE ON FUNCTION standard_of TO cmhf_app;

-- +goose StatementBegin
-- Stores a whole directory, or nothing, as before, with what a service declares beyond its name and reach.
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
                                          lead_provider_name, functions, entry_routes, minimum_age, maximum_age, digest,
                                          standards, team_types, caseload_capacity, key_worker_capacity, partners, settings, coordination_levels)
    SELECT (s->>'id')::uuid, s->>'name', s->>'displayName', s->>'state', s->>'place',
           ARRAY(SELECT jsonb_array_elements_text(s->'neighbourhoods')),
           s->'leadProvider'->>'odsCode', s->'leadProvider'->>'name',
           ARRAY(SELECT jsonb_array_elements_text(s->'functions')),
           ARRAY(SELECT jsonb_array_elements_text(s->'entryRoutes')),
           (s->>'minimumAge')::integer, (s->>'maximumAge')::integer,
           p_service_digests->>(s->>'name'),
           coalesce(s->'standards', '[]'), ARRAY(SELECT jsonb_array_elements_text(s->'teamTypes')),
           (s->'capacity'->>'caseload')::integer, (s->'capacity'->>'keyWorkers')::integer,
           coalesce(s->'partners', '[]'), ARRAY(SELECT jsonb_array_elements_text(s->'settings')),
           ARRAY(SELECT jsonb_array_elements_text(s->'coordinationLevels'))
    FROM jsonb_array_elements(p_document->'services') s
    ON CONFLICT (name) DO UPDATE SET
        display_name = excluded.display_name, state = excluded.state, place = excluded.place,
        neighbourhoods = excluded.neighbourhoods, lead_provider_ods_code = excluded.lead_provider_ods_code,
        lead_provider_name = excluded.lead_provider_name, functions = excluded.functions,
        entry_routes = excluded.entry_routes, minimum_age = excluded.minimum_age, maximum_age = excluded.maximum_age,
        digest = excluded.digest, standards = excluded.standards, team_types = excluded.team_types,
        caseload_capacity = excluded.caseload_capacity, key_worker_capacity = excluded.key_worker_capacity,
        partners = excluded.partners, settings = excluded.settings, coordination_levels = excluded.coordination_levels;

    UPDATE services SET state = 'Closing', digest = ''
    WHERE NOT p_service_digests ? name;

    UPDATE directory_commit SET revision = wanted, digest = p_digest, committed_at = now(), default_service = p_document->>'defaultService';
    RETURN 'Committed';
END $$;
-- +goose StatementEnd
