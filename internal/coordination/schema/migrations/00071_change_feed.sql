-- +goose Up

-- The change feed tells systems which records have changed: ids and types, never contents. Triggers write an event in the transaction of
-- the change. Its number comes afterwards, from a sequencer that sees committed events only: numbers drawn by the writers themselves
-- would become visible out of order, and a reader who has passed one that commits late would miss it.
CREATE TABLE changes (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number      bigint UNIQUE,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind        text NOT NULL CHECK (kind IN ('Created', 'Changed', 'Retracted')),
    type        text NOT NULL,
    resource_id uuid NOT NULL,
    person_id   uuid NOT NULL,
    -- Of a retraction: who saw the record when it was taken back, and is told even where they no longer see the person.
    services    uuid[] NOT NULL DEFAULT '{}'
);
CREATE INDEX changes_unnumbered ON changes (id) WHERE number IS NULL;

-- Numbers are given without gaps; those up to trimmed_to are gone by age.
CREATE TABLE change_feed (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    last_number bigint NOT NULL DEFAULT 0,
    trimmed_to  bigint NOT NULL DEFAULT 0,
    CHECK (trimmed_to BETWEEN 0 AND last_number)
);
INSERT INTO change_feed DEFAULT VALUES;

-- +goose StatementBegin
-- Notes an event. For triggers of tables whose retractions show otherwise than record_changed() can tell.
CREATE FUNCTION note_change(p_kind text, p_type text, p_resource uuid, p_person uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO changes (kind, type, resource_id, person_id, services)
    SELECT p_kind, p_type, p_resource, p_person,
           CASE p_kind WHEN 'Retracted' THEN
               -- Access that ends in this very transaction counts.
               ARRAY(SELECT DISTINCT service_id FROM person_access WHERE person_id = p_person AND (until IS NULL OR until >= now()))
           ELSE '{}' END;
END $$;
-- +goose StatementEnd

-- A row is taken back when it is marked as entered in error: by its state, or by a column entered_in_error_at or retracted_at.
CREATE FUNCTION taken_back(p_row jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_row->>'state' = 'EnteredInError', false) OR p_row->>'entered_in_error_at' IS NOT NULL OR p_row->>'retracted_at' IS NOT NULL;

-- +goose StatementBegin
-- The generic trigger of record tables.
CREATE FUNCTION record_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kind text := CASE TG_OP WHEN 'INSERT' THEN 'Created' WHEN 'DELETE' THEN 'Retracted' ELSE 'Changed' END;
    person uuid;
BEGIN
    IF TG_OP = 'DELETE' THEN
        NEW := OLD;
    ELSIF TG_OP = 'UPDATE' AND taken_back(to_jsonb(NEW)) AND NOT taken_back(to_jsonb(OLD)) THEN
        kind := 'Retracted';
    END IF;
    IF TG_TABLE_NAME = 'people' THEN person := NEW.id; ELSE person := NEW.person_id; END IF;
    IF kind = 'Retracted' THEN
        PERFORM note_change(kind, TG_TABLE_NAME, NEW.id, person);
    ELSE -- nearly every write: without the call
        INSERT INTO changes (kind, type, resource_id, person_id) VALUES (kind, TG_TABLE_NAME, NEW.id, person);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- A table that is registered as part of people's records is in the feed from then on.
CREATE FUNCTION record_table_is_followed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER record_changed AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION record_changed()', NEW.name);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER record_table_is_followed AFTER INSERT ON record_tables FOR EACH ROW EXECUTE FUNCTION record_table_is_followed();
-- What carers say in confidence is nobody's news, and due dates follow from what is told of already.
-- +goose StatementBegin
DO $$
DECLARE
    registered text;
BEGIN
    FOR registered IN SELECT name FROM record_tables WHERE name NOT IN ('carer_confidences', 'deadlines') UNION SELECT 'people' LOOP
        EXECUTE format('CREATE TRIGGER record_changed AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION record_changed()', registered);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The sequencer: numbers committed events, in the order of their ids as far as they are there. The one row of the feed is its lock: who
-- finds it taken leaves the work to the one who holds it. Numbers become visible together with their events, lower ones never later.
CREATE FUNCTION number_changes(p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last bigint;
    counted integer;
BEGIN
    -- Mostly nothing waits, and then this writes nothing, locks nothing and takes no transaction number.
    IF NOT EXISTS (SELECT FROM changes WHERE number IS NULL) THEN RETURN 0; END IF;
    SELECT last_number INTO last FROM change_feed FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN RETURN 0; END IF;
    WITH waiting AS (SELECT id FROM changes WHERE number IS NULL ORDER BY id LIMIT p_limit),
         placed AS (SELECT id, row_number() OVER (ORDER BY id) AS place FROM waiting)
    UPDATE changes SET number = last + placed.place FROM placed WHERE changes.id = placed.id;
    GET DIAGNOSTICS counted = ROW_COUNT;
    IF counted > 0 THEN UPDATE change_feed SET last_number = last + counted; END IF;
    RETURN counted;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Removes what is older than the given age, at least a week: subscribers may be away over a weekend.
CREATE FUNCTION trim_changes(p_age interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    upto bigint;
    gone bigint;
BEGIN
    SELECT last_number INTO upto FROM change_feed FOR UPDATE;
    SELECT coalesce((SELECT number - 1 FROM changes WHERE number IS NOT NULL AND at >= now() - greatest(p_age, interval '7 days') ORDER BY number LIMIT 1), upto) INTO upto;
    DELETE FROM changes WHERE number <= upto;
    GET DIAGNOSTICS gone = ROW_COUNT;
    UPDATE change_feed SET trimmed_to = upto WHERE trimmed_to < upto;
    RETURN gone;
END $$;
-- +goose StatementEnd

-- When an event happened, whoever may see it: a cursor is compared with it.
CREATE FUNCTION change_at(p_number bigint) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT at FROM changes WHERE number = p_number
$$;

ALTER TABLE changes ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON changes FOR SELECT TO cmhf_app
    USING (EXISTS (SELECT FROM people p WHERE p.id = changes.person_id)
           OR (kind = 'Retracted' AND services && (SELECT caller_services())::uuid[]));
GRANT SELECT (number, at, kind, type, resource_id, person_id) ON changes TO cmhf_app;
GRANT SELECT ON change_feed TO cmhf_app;
GRANT EXECUTE ON FUNCTION number_changes, trim_changes, change_at TO cmhf_app;
