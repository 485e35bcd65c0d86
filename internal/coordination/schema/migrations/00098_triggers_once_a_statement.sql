-- +goose Up

-- What follows from every row that is added, an event of the feed, a person in the queue of the clocks, the next version of its root, is written once
-- for a statement and not once for each of its rows: that takes no longer for one row, and a fraction for many. Events and people are the same as
-- before. A version grows once for a statement, as that of a plan does already. What is changed or removed comes row by row, as before: statements
-- that change no row at all are common.

-- ── The feed ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- +goose StatementBegin
CREATE FUNCTION records_added() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'people' THEN
        INSERT INTO changes (kind, type, resource_id, person_id) SELECT 'Created', TG_TABLE_NAME, id, id FROM written;
    ELSE
        INSERT INTO changes (kind, type, resource_id, person_id) SELECT 'Created', TG_TABLE_NAME, id, person_id FROM written;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- As before, without what was added. The trigger's arguments are those columns of the table that say that a row was taken back.
CREATE OR REPLACE FUNCTION record_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    mark text;
    was boolean := false;
    is_now boolean := TG_OP = 'DELETE';
    person uuid;
BEGIN
    IF TG_OP = 'DELETE' THEN
        NEW := OLD;
    ELSIF TG_NARGS > 0 THEN
        FOREACH mark IN ARRAY TG_ARGV LOOP
            CASE mark
            WHEN 'state' THEN
                is_now := is_now OR coalesce(NEW.state = 'EnteredInError', false);
                was := was OR coalesce(OLD.state = 'EnteredInError', false);
            WHEN 'entered_in_error_at' THEN
                is_now := is_now OR NEW.entered_in_error_at IS NOT NULL;
                was := was OR OLD.entered_in_error_at IS NOT NULL;
            WHEN 'retracted_at' THEN
                is_now := is_now OR NEW.retracted_at IS NOT NULL;
                was := was OR OLD.retracted_at IS NOT NULL;
            END CASE;
        END LOOP;
    END IF;
    IF TG_TABLE_NAME = 'people' THEN person := NEW.id; ELSE person := NEW.person_id; END IF;
    IF is_now AND NOT was THEN
        PERFORM note_change('Retracted', TG_TABLE_NAME, NEW.id, person);
    ELSE -- nearly every write: without the call
        INSERT INTO changes (kind, type, resource_id, person_id) VALUES ('Changed', TG_TABLE_NAME, NEW.id, person);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
DROP FUNCTION taken_back(jsonb);

-- +goose StatementBegin
-- Puts a table into the feed. A row of it is taken back when its state says EnteredInError, or its column entered_in_error_at or retracted_at has a
-- time. Which of these columns it has is looked up here, once: a migration that adds one calls this again.
CREATE FUNCTION follow_table(p_table text) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    marks text := (SELECT coalesce(string_agg(quote_literal(attname), ', ' ORDER BY attname), '') FROM pg_attribute
                   WHERE attrelid = p_table::regclass AND NOT attisdropped AND attname IN ('state', 'entered_in_error_at', 'retracted_at'));
BEGIN
    EXECUTE format('CREATE OR REPLACE TRIGGER record_added AFTER INSERT ON %I REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION records_added()', p_table);
    EXECUTE format('CREATE OR REPLACE TRIGGER record_changed AFTER UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION record_changed(%s)', p_table, marks);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION record_table_is_followed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM follow_table(NEW.name);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
DECLARE
    followed text;
BEGIN
    FOR followed IN SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgname = 'record_changed' LOOP
        PERFORM follow_table(followed);
    END LOOP;
END $$;
-- +goose StatementEnd

-- ── The queue of the clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────
-- +goose StatementBegin
CREATE FUNCTION people_of_rows_dirty() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO dirty_people (person_id) SELECT DISTINCT person_id FROM written;
    RETURN NULL;
END $$;
-- +goose StatementEnd

DROP TRIGGER scored_people_dirty ON outcome_scores;
DROP FUNCTION scored_people_dirty();
-- +goose StatementBegin
DO $$
DECLARE
    watched text;
BEGIN
    FOREACH watched IN ARRAY ARRAY['referrals', 'contacts', 'interventions', 'plans', 'person_details', 'residences', 'outcome_scores'] LOOP
        EXECUTE format('DROP TRIGGER person_dirty ON %I', watched);
        EXECUTE format('CREATE TRIGGER person_dirty_added AFTER INSERT ON %I REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION people_of_rows_dirty()', watched);
        EXECUTE format('CREATE TRIGGER person_dirty AFTER UPDATE%s OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION person_dirty()',
                       -- Its version, which grows with every part that is written, is nothing that the clocks look at.
                       CASE watched WHEN 'plans' THEN ' OF person_id, episode_id, service_id, state, in_force_from, created_at, entered_in_error_at' ELSE '' END, watched);
    END LOOP;
END $$;
-- +goose StatementEnd

-- ── Versions ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- +goose StatementBegin
CREATE FUNCTION person_parts_added() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE people SET version = version + 1 WHERE id IN (SELECT coalesce(p.merged_into, p.id) FROM written w JOIN people p ON p.id = w.person_id);
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION episode_parts_added() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE episodes SET version = version + 1 WHERE id IN (SELECT episode_id FROM written);
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
DO $$
DECLARE
    part record;
BEGIN
    FOR part IN
        SELECT c.relname AS of_table, p.proname AS function, t.tgtype & 16 > 0 AS changes_too
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE t.tgname = 'part_changed' AND p.proname IN ('person_part_changed', 'episode_part_changed')
    LOOP
        EXECUTE format('DROP TRIGGER part_changed ON %I', part.of_table);
        EXECUTE format('CREATE TRIGGER part_added AFTER INSERT ON %I REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION %I()', part.of_table,
                       CASE part.function WHEN 'person_part_changed' THEN 'person_parts_added' ELSE 'episode_parts_added' END);
        IF part.changes_too THEN
            EXECUTE format('CREATE TRIGGER part_changed AFTER UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION %I()', part.of_table, part.function);
        END IF;
    END LOOP;
END $$;
-- +goose StatementEnd
