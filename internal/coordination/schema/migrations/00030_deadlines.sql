-- +goose Up

-- Rules that time alone breaks (class B): what is due is written down when the fact arises, so that a breach is seen although nobody
-- does anything. It is listed and escalated; nothing is ever blocked by it.
CREATE TABLE deadline_kinds (
    kind           text PRIMARY KEY,
    subject        text NOT NULL,                            -- what subject_id is the id of
    ics_after_days integer NOT NULL CHECK (ics_after_days > 0) -- days after the due date from which it concerns the ICS, not the service lead alone
);

-- Kept by triggers only, through the functions below.
CREATE TABLE deadlines (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    person_id    uuid NOT NULL REFERENCES people,
    service_id   uuid NOT NULL REFERENCES services, -- who has to act
    kind         text NOT NULL REFERENCES deadline_kinds,
    subject_id   uuid NOT NULL,
    due_on       date NOT NULL,
    set_at       timestamptz NOT NULL DEFAULT now(),
    met_at       timestamptz,
    dropped_at   timestamptz,
    dropped_why  text CHECK (dropped_why IN ('Ended', 'Died')),
    escalated_to text CHECK (escalated_to IN ('ServiceLead', 'ICS')),
    escalated_at timestamptz,
    CHECK ((dropped_at IS NULL) = (dropped_why IS NULL)),
    CHECK ((escalated_at IS NULL) = (escalated_to IS NULL)),
    CHECK (met_at IS NULL OR dropped_at IS NULL)
);
CREATE UNIQUE INDEX deadlines_open ON deadlines (subject_id, kind) WHERE met_at IS NULL AND dropped_at IS NULL;
CREATE INDEX deadlines_due ON deadlines (service_id, due_on) WHERE met_at IS NULL AND dropped_at IS NULL;
CREATE INDEX deadlines_person ON deadlines (person_id);
INSERT INTO record_tables VALUES ('deadlines');

-- The functions are for the owner's triggers: the app may execute none of the first four. They are plpgsql because a function in SQL that another
-- one calls is planned anew at each call.

-- +goose StatementBegin
-- Something is due on a day. Set again while it is open, the new day counts. Nothing is due for a person who has died.
CREATE FUNCTION set_deadline(p_person uuid, p_service uuid, p_kind text, p_subject uuid, p_due date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO deadlines AS held (person_id, service_id, kind, subject_id, due_on)
    SELECT p_person, p_service, p_kind, p_subject, p_due FROM people WHERE id = p_person AND died_on IS NULL
    ON CONFLICT (subject_id, kind) WHERE met_at IS NULL AND dropped_at IS NULL
    DO UPDATE SET service_id = excluded.service_id, due_on = excluded.due_on, escalated_to = NULL, escalated_at = NULL
    WHERE (held.service_id, held.due_on) IS DISTINCT FROM (excluded.service_id, excluded.due_on);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- It was done, in time or late.
CREATE FUNCTION meet_deadline(p_subject uuid, p_kind text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE deadlines SET met_at = now() WHERE subject_id = p_subject AND kind = p_kind AND met_at IS NULL AND dropped_at IS NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The subject ended: nothing is due any more.
CREATE FUNCTION drop_deadlines(p_subject uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE deadlines SET dropped_at = now(), dropped_why = 'Ended' WHERE subject_id = p_subject AND met_at IS NULL AND dropped_at IS NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Another service has to act from now on. The day stays: the person goes on waiting.
CREATE FUNCTION move_deadlines(p_subject uuid, p_service uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE deadlines SET service_id = p_service WHERE subject_id = p_subject AND met_at IS NULL AND dropped_at IS NULL;
END $$;
-- +goose StatementEnd

-- Marks what is overdue: for the service lead from the day after, for the ICS some days later. Repeating it changes nothing.
CREATE FUNCTION escalate_deadlines() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH today AS (SELECT (now() AT TIME ZONE 'Europe/London')::date AS day),
    overdue AS (
        SELECT d.id, CASE WHEN d.due_on + k.ics_after_days < today.day THEN 'ICS' ELSE 'ServiceLead' END AS wanted
        FROM today, deadlines d JOIN deadline_kinds k USING (kind)
        WHERE d.met_at IS NULL AND d.dropped_at IS NULL AND d.due_on < today.day),
    escalated AS (
        UPDATE deadlines d SET escalated_to = wanted, escalated_at = now()
        FROM overdue WHERE overdue.id = d.id AND d.escalated_to IS DISTINCT FROM wanted RETURNING 1)
    SELECT count(*) FROM escalated
$$;
GRANT EXECUTE ON FUNCTION escalate_deadlines TO cmhf_app;

-- +goose StatementBegin
-- Death stops every clock, wherever it is recorded; when it turns out to be a mistake they go on as if they had never stopped.
CREATE FUNCTION death_stops_deadlines() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.died_on IS NULL THEN
        UPDATE deadlines SET dropped_at = NULL, dropped_why = NULL WHERE person_id = NEW.id AND dropped_why = 'Died';
    ELSE
        UPDATE deadlines SET dropped_at = now(), dropped_why = 'Died' WHERE person_id = NEW.id AND met_at IS NULL AND dropped_at IS NULL;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER death_stops_deadlines AFTER UPDATE OF died_on ON people FOR EACH ROW
    WHEN (OLD.died_on IS DISTINCT FROM NEW.died_on) EXECUTE FUNCTION death_stops_deadlines();

-- +goose StatementBegin
-- A closure for a death is left to the death, which can be reversed.
CREATE FUNCTION closing_drops_deadlines() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM closures WHERE episode_id = NEW.id AND basis = 'Death') THEN
        PERFORM drop_deadlines(NEW.id);
        PERFORM drop_deadlines(id) FROM referrals WHERE episode_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER closing_drops_deadlines AFTER UPDATE OF state ON episodes FOR EACH ROW
    WHEN (OLD.state = 'Open' AND NEW.state = 'Closed') EXECUTE FUNCTION closing_drops_deadlines();

ALTER TABLE deadlines ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON deadlines FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = deadlines.person_id));
GRANT SELECT ON deadlines, deadline_kinds TO cmhf_app;
