-- +goose Up

-- What is known about a death, and what was thought before. Rows are added and end; which one holds is the one that has not ended.
-- Whichever way a death comes (recorded here, or by closing an episode), it passes through people.died_on, and the trigger there ends what
-- is open. A reversal restores what the death ended and nothing else.
CREATE TABLE deaths (
    id              uuid PRIMARY KEY,
    person_id       uuid NOT NULL REFERENCES people,
    died_on         date NOT NULL,
    source          text NOT NULL CHECK (source IN ('Family', 'GP', 'Hospital', 'Coroner', 'NationalRecord')),
    recorded_by     text NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    ended_as        text CHECK (ended_as IN ('Corrected', 'Reversed')),
    ended_by        text,
    ended_at        timestamptz,
    reversal_reason text CHECK (reversal_reason IN ('PersonIsAlive', 'WrongPerson', 'RecordedInError')),
    CONSTRAINT not_in_the_future CHECK (died_on <= (recorded_at AT TIME ZONE 'Europe/London')::date),
    CHECK ((ended_as IS NULL) = (ended_at IS NULL) AND (ended_as IS NULL) = (ended_by IS NULL)),
    CONSTRAINT reversed_with_reason CHECK ((ended_as IS NOT DISTINCT FROM 'Reversed') = (reversal_reason IS NOT NULL))
);
CREATE UNIQUE INDEX deaths_in_force ON deaths (person_id) WHERE ended_at IS NULL;
INSERT INTO record_tables VALUES ('deaths');

-- What a death ended, and the state that it goes back to when the death is reversed. A later part of a record that a death ends is added
-- by a trigger of its own on people.died_on, which also restores it.
CREATE TABLE ended_by_death (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id    uuid NOT NULL REFERENCES people,
    kind         text NOT NULL CHECK (kind IN ('Referral', 'Episode')),
    resource_id  uuid NOT NULL,
    state_before text NOT NULL,
    ended_at     timestamptz NOT NULL DEFAULT now(),
    restored_at  timestamptz
);
CREATE UNIQUE INDEX ended_by_death_now ON ended_by_death (resource_id) WHERE restored_at IS NULL;
CREATE INDEX ended_by_death_person ON ended_by_death (person_id) WHERE restored_at IS NULL;

-- +goose StatementBegin
CREATE FUNCTION ended_by_death() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'closures' THEN
        INSERT INTO ended_by_death (person_id, kind, resource_id, state_before) SELECT person_id, 'Episode', id, state FROM episodes WHERE id = NEW.episode_id;
        RETURN NEW;
    END IF;
    -- A referral that came after the death ended at once: it was never anything but open.
    INSERT INTO ended_by_death (person_id, kind, resource_id, state_before)
    VALUES (NEW.person_id, 'Referral', NEW.id, CASE TG_OP WHEN 'INSERT' THEN 'Open' ELSE OLD.state END);
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- Runs before closure_recorded, which closes the episode, and after closure_allowed has locked it.
CREATE TRIGGER ended_by_death BEFORE INSERT ON closures FOR EACH ROW WHEN (NEW.basis = 'Death') EXECUTE FUNCTION ended_by_death();
CREATE TRIGGER ended_by_death AFTER INSERT ON referrals FOR EACH ROW WHEN (NEW.state = 'Died') EXECUTE FUNCTION ended_by_death();
CREATE TRIGGER ended_by_death_later AFTER UPDATE ON referrals FOR EACH ROW WHEN (NEW.state = 'Died' AND OLD.state <> 'Died') EXECUTE FUNCTION ended_by_death();

-- +goose StatementBegin
CREATE FUNCTION death_allowed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM people WHERE id = NEW.person_id FOR UPDATE;
    NEW.recorded_at := now();
    IF NEW.died_on < (SELECT birth_date FROM people WHERE id = NEW.person_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM023', MESSAGE = 'the death cannot be recorded', DETAIL = 'before-birth';
    END IF;
    UPDATE deaths SET ended_as = 'Corrected', ended_by = NEW.recorded_by WHERE person_id = NEW.person_id AND ended_at IS NULL;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER death_allowed BEFORE INSERT ON deaths FOR EACH ROW EXECUTE FUNCTION death_allowed();

-- +goose StatementBegin
CREATE FUNCTION death_end_allowed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM023', MESSAGE = 'the death cannot be reversed', DETAIL = 'reversed-already';
    END IF;
    PERFORM 1 FROM people WHERE id = NEW.person_id FOR UPDATE;
    NEW.ended_at := clock_timestamp();
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER death_end_allowed BEFORE UPDATE ON deaths FOR EACH ROW EXECUTE FUNCTION death_end_allowed();

-- +goose StatementBegin
CREATE FUNCTION death_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE people SET died_on = NEW.died_on, death_source = NEW.source
        WHERE id = NEW.person_id AND (died_on, death_source) IS DISTINCT FROM (NEW.died_on, NEW.source);
    ELSIF NEW.ended_as = 'Reversed' THEN
        UPDATE people SET died_on = NULL, death_source = NULL WHERE id = NEW.person_id AND died_on IS NOT NULL;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER death_recorded AFTER INSERT OR UPDATE ON deaths FOR EACH ROW EXECUTE FUNCTION death_recorded();

-- +goose StatementBegin
CREATE FUNCTION person_died() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    recorder text := coalesce(caller_subject(), session_user);
BEGIN
    IF NOT EXISTS (SELECT FROM deaths WHERE person_id = NEW.id AND ended_at IS NULL AND (died_on, source) = (NEW.died_on, NEW.death_source)) THEN
        INSERT INTO deaths (id, person_id, died_on, source, recorded_by) VALUES (gen_random_uuid(), NEW.id, NEW.died_on, NEW.death_source, recorder);
    END IF;
    -- Open is what has no outcome yet, whatever the state is called.
    UPDATE referrals SET state = 'Died', outcome_by = recorder, outcome_at = now() WHERE person_id = NEW.id AND outcome_at IS NULL;
    INSERT INTO closures (episode_id, reason, basis, died_on, death_source, recorded_by)
    SELECT id, 'Died', 'Death', NEW.died_on, NEW.death_source, recorder FROM episodes WHERE person_id = NEW.id AND state NOT IN ('Closed', 'EnteredInError');
    UPDATE people SET died_on = NEW.died_on, death_source = NEW.death_source
    WHERE id IN (SELECT records_of(NEW.id)) AND id <> NEW.id AND (died_on, death_source) IS DISTINCT FROM (NEW.died_on, NEW.death_source);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER person_died AFTER UPDATE ON people FOR EACH ROW
    WHEN (NEW.died_on IS NOT NULL AND (NEW.died_on, NEW.death_source) IS DISTINCT FROM (OLD.died_on, OLD.death_source)) EXECUTE FUNCTION person_died();

-- +goose StatementBegin
CREATE FUNCTION death_reversed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    ended ended_by_death;
BEGIN
    -- The death of a record that was merged with the one where it was reversed.
    UPDATE deaths SET ended_as = 'Reversed', ended_by = coalesce(caller_subject(), session_user), reversal_reason =
        (SELECT d.reversal_reason FROM deaths d WHERE d.person_id IN (SELECT records_of(NEW.id)) AND d.ended_as = 'Reversed' ORDER BY d.ended_at DESC LIMIT 1)
    WHERE person_id = NEW.id AND ended_at IS NULL;
    FOR ended IN SELECT * FROM ended_by_death WHERE person_id = NEW.id AND restored_at IS NULL LOOP
        IF ended.kind = 'Referral' THEN
            UPDATE referrals SET state = ended.state_before, outcome_by = NULL, outcome_at = NULL WHERE id = ended.resource_id AND state = 'Died';
        ELSE
            IF EXISTS (SELECT FROM episodes e JOIN episodes newer USING (person_id, responsible_service_id)
                       WHERE e.id = ended.resource_id AND newer.id <> e.id AND newer.state = 'Open') THEN
                RAISE EXCEPTION USING ERRCODE = 'CM023', MESSAGE = 'the death cannot be reversed', DETAIL = 'newer-episode';
            END IF;
            UPDATE episodes SET state = ended.state_before, closed_at = NULL WHERE id = ended.resource_id AND state = 'Closed';
        END IF;
        IF FOUND THEN -- and not entered in error meanwhile, which stays so
            UPDATE person_access SET until = NULL WHERE source_id = ended.resource_id;
            DELETE FROM closures WHERE episode_id = ended.resource_id AND basis = 'Death';
        END IF;
        UPDATE ended_by_death SET restored_at = now() WHERE id = ended.id;
    END LOOP;
    UPDATE people SET died_on = NULL, death_source = NULL WHERE id IN (SELECT records_of(NEW.id)) AND id <> NEW.id AND died_on IS NOT NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER death_reversed AFTER UPDATE ON people FOR EACH ROW
    WHEN (NEW.died_on IS NULL AND OLD.died_on IS NOT NULL) EXECUTE FUNCTION death_reversed();

-- +goose StatementBegin
CREATE FUNCTION referral_reopened() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.id, NEW.person_id, NEW.service_id, NEW.responsible_service_id, NEW.route, NEW.reason, NEW.received_on, NEW.recorded_by, NEW.recorded_at)
       IS DISTINCT FROM (OLD.id, OLD.person_id, OLD.service_id, OLD.responsible_service_id, OLD.route, OLD.reason, OLD.received_on, OLD.recorded_by, OLD.recorded_at)
       OR (SELECT died_on FROM people WHERE id = NEW.person_id) IS NOT NULL
       OR NOT EXISTS (SELECT FROM ended_by_death d WHERE d.resource_id = NEW.id AND d.restored_at IS NULL AND d.state_before = NEW.state) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'only the reversal of a death opens a referral again, as it was';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER referral_reopened BEFORE UPDATE ON referrals FOR EACH ROW
    WHEN (OLD.state = 'Died' AND NEW.state NOT IN ('Died', 'EnteredInError')) EXECUTE FUNCTION referral_reopened();

-- Deaths that were recorded before this.
INSERT INTO ended_by_death (person_id, kind, resource_id, state_before, ended_at)
SELECT person_id, 'Referral', id, 'Open', outcome_at FROM referrals WHERE state = 'Died'
UNION ALL
SELECT e.person_id, 'Episode', e.id, 'Open', c.recorded_at FROM closures c JOIN episodes e ON e.id = c.episode_id WHERE c.basis = 'Death';
INSERT INTO deaths (id, person_id, died_on, source, recorded_by, recorded_at)
SELECT DISTINCT ON (p.id) gen_random_uuid(), p.id, p.died_on, p.death_source, coalesce(c.recorded_by, session_user), coalesce(c.recorded_at, now())
FROM people p LEFT JOIN episodes e ON e.person_id = p.id LEFT JOIN closures c ON c.episode_id = e.id AND c.basis = 'Death'
WHERE p.died_on IS NOT NULL ORDER BY p.id, c.recorded_at;
INSERT INTO closures (episode_id, reason, basis, died_on, death_source, recorded_by)
SELECT e.id, 'Died', 'Death', d.died_on, d.source, d.recorded_by FROM episodes e JOIN deaths d USING (person_id) WHERE e.state = 'Open';

ALTER TABLE deaths ENABLE ROW LEVEL SECURITY;
ALTER TABLE ended_by_death ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON deaths FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = deaths.person_id));
CREATE POLICY record ON deaths FOR INSERT TO cmhf_app
    WITH CHECK (recorded_by = caller_subject() AND EXISTS (SELECT FROM people p WHERE p.id = deaths.person_id));
-- Who brings a person back into every worklist answers for it.
CREATE POLICY reverse ON deaths FOR UPDATE TO cmhf_app
    USING ((SELECT caller_role()) = 'service-lead' AND EXISTS (SELECT FROM people p WHERE p.id = deaths.person_id))
    WITH CHECK (ended_by = caller_subject() AND ended_as = 'Reversed');
GRANT SELECT, INSERT (id, person_id, died_on, source, recorded_by), UPDATE (ended_as, ended_by, reversal_reason) ON deaths TO cmhf_app;
