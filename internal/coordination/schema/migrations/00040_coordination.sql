-- +goose Up

-- The day is stored: a rule that time alone breaks blocks nothing, and a breach is listed.
ALTER TABLE episodes ADD COLUMN key_worker_due_on date;
UPDATE episodes SET key_worker_due_on = (opened_at AT TIME ZONE 'Europe/London')::date + standard_of(responsible_service_id, 'KeyWorkerDays')
WHERE state = 'Open';

-- +goose StatementBegin
CREATE FUNCTION key_worker_is_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    NEW.key_worker_due_on := (now() AT TIME ZONE 'Europe/London')::date + standard_of(NEW.responsible_service_id, 'KeyWorkerDays');
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER key_worker_is_due BEFORE INSERT ON episodes FOR EACH ROW EXECUTE FUNCTION key_worker_is_due();

-- Who has been seen at work for which service, learned from what they record: the nearest to a list of staff that the system has.
CREATE TABLE staff_sightings (
    subject    text NOT NULL,
    service_id uuid NOT NULL REFERENCES services,
    last_on    date NOT NULL,
    PRIMARY KEY (subject, service_id)
);

-- +goose StatementBegin
CREATE FUNCTION staff_seen() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    today date := (now() AT TIME ZONE 'Europe/London')::date;
BEGIN
    -- Looking first keeps colleagues who share a login from waiting for each other.
    INSERT INTO staff_sightings AS held (subject, service_id, last_on)
    SELECT caller_subject(), service, today FROM unnest(caller_services()) AS service
    WHERE caller_subject() IS NOT NULL
      AND NOT EXISTS (SELECT FROM staff_sightings s WHERE s.subject = caller_subject() AND s.service_id = service AND s.last_on >= today)
    ORDER BY service
    ON CONFLICT (subject, service_id) DO UPDATE SET last_on = excluded.last_on;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER staff_seen AFTER INSERT ON episodes FOR EACH STATEMENT EXECUTE FUNCTION staff_seen();
CREATE TRIGGER staff_seen AFTER INSERT ON reaching_steps FOR EACH STATEMENT EXECUTE FUNCTION staff_seen();

-- Whether somebody is known, and known for other services only, in the last half year. Nobody is refused for not being known.
CREATE FUNCTION works_elsewhere(p_subject text, p_service uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(NOT bool_or(service_id = p_service), false) FROM staff_sightings
    WHERE subject = p_subject AND last_on > current_date - 183
      AND NOT (p_subject = coalesce(caller_subject(), '') AND p_service = ANY (caller_services()))
$$;

-- Whether the caller's service is responsible for an episode that is open.
CREATE FUNCTION caller_holds_episode(p_episode uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM episodes WHERE id = p_episode AND state = 'Open' AND responsible_service_id = ANY (caller_services()))
$$;
GRANT EXECUTE ON FUNCTION works_elsewhere, caller_holds_episode TO cmhf_app;

-- +goose StatementBegin
-- What is recorded within an episode: one writer at a time, while it is open and the person lives. Named so that it runs first.
CREATE FUNCTION begins_in_open_episode() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (SELECT state FROM episodes WHERE id = NEW.episode_id FOR UPDATE) IS DISTINCT FROM 'Open' THEN
        RAISE EXCEPTION USING ERRCODE = 'CM003', MESSAGE = 'the episode is not open';
    END IF;
    IF (SELECT died_on FROM people WHERE id = NEW.person_id) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM005', MESSAGE = 'the person has died';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- Errors of this file:
--   CM043 what holds at one time only would overlap     CM044 the key worker works for another service
--   CM045 the level is none of the service's

-- The named person who is there for somebody. Those of the past stay.
CREATE TABLE key_workers (
    id             uuid PRIMARY KEY,
    episode_id     uuid NOT NULL,
    person_id      uuid NOT NULL,
    service_id     uuid NOT NULL REFERENCES services,
    subject        text NOT NULL CHECK (length(btrim(subject)) BETWEEN 1 AND 200),
    name           text NOT NULL CHECK (length(btrim(name)) BETWEEN 1 AND 200),
    role           text NOT NULL CHECK (length(btrim(role)) BETWEEN 1 AND 200),
    since          date NOT NULL,
    until          date,
    recorded_by    text NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    ended_by       text,
    ended_by_death boolean NOT NULL DEFAULT false, -- a reversed death lets it go on
    FOREIGN KEY (episode_id, person_id) REFERENCES episodes (id, person_id),
    CONSTRAINT key_worker_ends_after_start CHECK (until >= since),
    CHECK ((until IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX key_workers_one_at_a_time ON key_workers (episode_id) WHERE until IS NULL;
CREATE INDEX key_workers_episode ON key_workers (episode_id);
CREATE INDEX key_workers_subject ON key_workers (subject) WHERE until IS NULL;

-- +goose StatementBegin
CREATE FUNCTION key_worker_named() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    opened_on date;
BEGIN
    SELECT responsible_service_id, (opened_at AT TIME ZONE 'Europe/London')::date INTO STRICT NEW.service_id, opened_on
    FROM episodes WHERE id = NEW.episode_id;
    IF NEW.since NOT BETWEEN opened_on AND (now() AT TIME ZONE 'Europe/London')::date
       OR EXISTS (SELECT FROM key_workers k WHERE k.episode_id = NEW.episode_id AND k.until > NEW.since) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM043', MESSAGE = 'one key worker at a time, from the opening of the episode to today';
    END IF;
    IF works_elsewhere(NEW.subject, NEW.service_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM044', MESSAGE = 'the key worker is known to work for another service only';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER begins_in_open_episode BEFORE INSERT ON key_workers FOR EACH ROW EXECUTE FUNCTION begins_in_open_episode();
CREATE TRIGGER key_worker_named BEFORE INSERT ON key_workers FOR EACH ROW EXECUTE FUNCTION key_worker_named();
CREATE TRIGGER staff_seen AFTER INSERT ON key_workers FOR EACH STATEMENT EXECUTE FUNCTION staff_seen();

-- The others around the person: the multidisciplinary team, from whichever organisation.
CREATE TABLE team_members (
    id             uuid PRIMARY KEY,
    episode_id     uuid NOT NULL,
    person_id      uuid NOT NULL,
    subject        text CHECK (length(btrim(subject)) BETWEEN 1 AND 200),
    name           text NOT NULL CHECK (length(btrim(name)) BETWEEN 1 AND 200),
    role           text NOT NULL CHECK (length(btrim(role)) BETWEEN 1 AND 200),
    organisation   text NOT NULL CHECK (length(btrim(organisation)) BETWEEN 1 AND 200),
    since          date NOT NULL DEFAULT (now() AT TIME ZONE 'Europe/London')::date,
    until          date,
    recorded_by    text NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    ended_by       text,
    ended_by_death boolean NOT NULL DEFAULT false,
    FOREIGN KEY (episode_id, person_id) REFERENCES episodes (id, person_id),
    CHECK (until >= since),
    CHECK ((until IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX team_members_once ON team_members (episode_id, name, role, organisation) WHERE until IS NULL;
CREATE INDEX team_members_episode ON team_members (episode_id);
CREATE TRIGGER begins_in_open_episode BEFORE INSERT ON team_members FOR EACH ROW EXECUTE FUNCTION begins_in_open_episode();

-- How much planning and coordination the person needs now, and why. A new decision stands beside the earlier ones.
CREATE TABLE coordination_levels (
    id                     uuid PRIMARY KEY,
    episode_id             uuid NOT NULL,
    person_id              uuid NOT NULL,
    level                  text NOT NULL CHECK (length(btrim(level)) BETWEEN 1 AND 63),
    complexity             text NOT NULL CHECK (length(btrim(complexity)) BETWEEN 1 AND 2000),
    what_matters           text NOT NULL CHECK (length(btrim(what_matters)) BETWEEN 1 AND 2000),
    carers_views           text NOT NULL CHECK (length(btrim(carers_views)) BETWEEN 1 AND 2000),
    professional_judgement text NOT NULL CHECK (length(btrim(professional_judgement)) BETWEEN 1 AND 2000),
    decided_on             date NOT NULL DEFAULT (now() AT TIME ZONE 'Europe/London')::date,
    recorded_by            text NOT NULL,
    recorded_at            timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (episode_id, person_id) REFERENCES episodes (id, person_id),
    -- The Care Programme Approach's two classes are gone; a level is no name for them.
    CONSTRAINT level_is_no_cpa_flag CHECK (level !~* '(^|[^a-z])cpa([^a-z]|$)|care program')
);
CREATE INDEX coordination_levels_episode ON coordination_levels (episode_id, recorded_at DESC);

-- +goose StatementBegin
CREATE FUNCTION level_decided() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    allowed text[];
BEGIN
    SELECT s.coordination_levels INTO STRICT allowed FROM episodes e JOIN services s ON s.id = e.responsible_service_id WHERE e.id = NEW.episode_id;
    IF allowed <> '{}' AND NEW.level <> ALL (allowed) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM045', MESSAGE = 'the level is none of the service''s';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER begins_in_open_episode BEFORE INSERT ON coordination_levels FOR EACH ROW EXECUTE FUNCTION begins_in_open_episode();
CREATE TRIGGER level_decided BEFORE INSERT ON coordination_levels FOR EACH ROW EXECUTE FUNCTION level_decided();

-- A person in prison, in hospital or abroad keeps the episode: it stays open, and those who hold them there are named.
CREATE TABLE stays_elsewhere (
    id                   uuid PRIMARY KEY,
    episode_id           uuid NOT NULL,
    person_id            uuid NOT NULL,
    place                text NOT NULL CHECK (place IN ('Prison', 'Hospital', 'Abroad')),
    held_by_name         text NOT NULL CHECK (length(btrim(held_by_name)) BETWEEN 1 AND 200),
    held_by_organisation text NOT NULL CHECK (length(btrim(held_by_organisation)) BETWEEN 1 AND 200),
    since                date NOT NULL,
    expected_return      date,
    until                date,
    recorded_by          text NOT NULL,
    recorded_at          timestamptz NOT NULL DEFAULT now(),
    ended_by             text,
    ended_by_death       boolean NOT NULL DEFAULT false,
    FOREIGN KEY (episode_id, person_id) REFERENCES episodes (id, person_id),
    CONSTRAINT stay_ends_after_start CHECK (until >= since AND expected_return >= since),
    CHECK ((until IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX stays_elsewhere_one_at_a_time ON stays_elsewhere (episode_id) WHERE until IS NULL;
CREATE INDEX stays_elsewhere_episode ON stays_elsewhere (episode_id);

-- +goose StatementBegin
CREATE FUNCTION stay_begins() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.since > (now() AT TIME ZONE 'Europe/London')::date
       OR EXISTS (SELECT FROM stays_elsewhere s WHERE s.episode_id = NEW.episode_id AND s.until > NEW.since) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM043', MESSAGE = 'one stay at a time, up to today';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER begins_in_open_episode BEFORE INSERT ON stays_elsewhere FOR EACH ROW EXECUTE FUNCTION begins_in_open_episode();
CREATE TRIGGER stay_begins BEFORE INSERT ON stays_elsewhere FOR EACH ROW EXECUTE FUNCTION stay_begins();

-- +goose StatementBegin
-- What has ended is history, unless a death ended it that was none; and nothing ends in the future.
CREATE FUNCTION ends_once() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.until IS NOT NULL AND (NEW.until, NEW.ended_by) IS DISTINCT FROM (OLD.until, OLD.ended_by)
       AND NOT (OLD.ended_by_death AND NEW.until IS NULL AND NOT NEW.ended_by_death)
       OR NEW.until > (now() AT TIME ZONE 'Europe/London')::date THEN
        RAISE EXCEPTION USING ERRCODE = 'CM043', MESSAGE = 'it ends once, and not in the future';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER ends_once BEFORE UPDATE ON key_workers     FOR EACH ROW EXECUTE FUNCTION ends_once();
CREATE TRIGGER ends_once BEFORE UPDATE ON team_members    FOR EACH ROW EXECUTE FUNCTION ends_once();
CREATE TRIGGER ends_once BEFORE UPDATE ON stays_elsewhere FOR EACH ROW EXECUTE FUNCTION ends_once();

CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON key_workers         FOR EACH ROW EXECUTE FUNCTION episode_part_changed();
CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON team_members        FOR EACH ROW EXECUTE FUNCTION episode_part_changed();
CREATE TRIGGER part_changed AFTER INSERT           ON coordination_levels FOR EACH ROW EXECUTE FUNCTION episode_part_changed();
CREATE TRIGGER part_changed AFTER INSERT OR UPDATE ON stays_elsewhere     FOR EACH ROW EXECUTE FUNCTION episode_part_changed();

INSERT INTO record_tables VALUES ('key_workers'), ('team_members'), ('coordination_levels'), ('stays_elsewhere');

-- +goose StatementBegin
-- With the episode ends whose task it was.
CREATE FUNCTION closure_ends_coordination() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE key_workers SET until = NEW.closed_on, ended_by = NEW.recorded_by, ended_by_death = NEW.basis = 'Death'
    WHERE episode_id = NEW.episode_id AND until IS NULL;
    UPDATE team_members SET until = NEW.closed_on, ended_by = NEW.recorded_by, ended_by_death = NEW.basis = 'Death'
    WHERE episode_id = NEW.episode_id AND until IS NULL;
    UPDATE stays_elsewhere SET until = NEW.closed_on, ended_by = NEW.recorded_by, ended_by_death = NEW.basis = 'Death'
    WHERE episode_id = NEW.episode_id AND until IS NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER closure_ends_coordination AFTER INSERT ON closures FOR EACH ROW EXECUTE FUNCTION closure_ends_coordination();

-- +goose StatementBegin
-- An episode opens again when the death that closed it was none: whoever was there for the person then is there for them still.
CREATE FUNCTION coordination_goes_on() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE key_workers     SET until = NULL, ended_by = NULL, ended_by_death = false WHERE episode_id = NEW.id AND ended_by_death;
    UPDATE team_members    SET until = NULL, ended_by = NULL, ended_by_death = false WHERE episode_id = NEW.id AND ended_by_death;
    UPDATE stays_elsewhere SET until = NULL, ended_by = NULL, ended_by_death = false WHERE episode_id = NEW.id AND ended_by_death;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER coordination_goes_on AFTER UPDATE OF state ON episodes FOR EACH ROW
    WHEN (OLD.state = 'Closed' AND NEW.state = 'Open') EXECUTE FUNCTION coordination_goes_on();

ALTER TABLE key_workers         ENABLE ROW LEVEL SECURITY;
ALTER TABLE team_members        ENABLE ROW LEVEL SECURITY;
ALTER TABLE coordination_levels ENABLE ROW LEVEL SECURITY;
ALTER TABLE stays_elsewhere     ENABLE ROW LEVEL SECURITY;

CREATE POLICY visible ON key_workers         FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = key_workers.person_id));
CREATE POLICY visible ON team_members        FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = team_members.person_id));
CREATE POLICY visible ON coordination_levels FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = coordination_levels.person_id));
CREATE POLICY visible ON stays_elsewhere     FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = stays_elsewhere.person_id));
CREATE POLICY record ON key_workers          FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject() AND caller_holds_episode(episode_id));
CREATE POLICY record ON team_members         FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject() AND caller_holds_episode(episode_id));
CREATE POLICY record ON coordination_levels  FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject() AND caller_holds_episode(episode_id));
CREATE POLICY record ON stays_elsewhere      FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject() AND caller_holds_episode(episode_id));
CREATE POLICY finish ON key_workers          FOR UPDATE TO cmhf_app USING (until IS NULL AND caller_holds_episode(episode_id)) WITH CHECK (ended_by = caller_subject());
CREATE POLICY finish ON team_members         FOR UPDATE TO cmhf_app USING (until IS NULL AND caller_holds_episode(episode_id)) WITH CHECK (ended_by = caller_subject());
CREATE POLICY change ON stays_elsewhere      FOR UPDATE TO cmhf_app USING (until IS NULL AND caller_holds_episode(episode_id))
    WITH CHECK (ended_by IS NULL OR ended_by = caller_subject());

GRANT SELECT, INSERT (id, episode_id, person_id, subject, name, role, since, recorded_by), UPDATE (until, ended_by) ON key_workers TO cmhf_app;
GRANT SELECT, INSERT (id, episode_id, person_id, subject, name, role, organisation, recorded_by), UPDATE (until, ended_by) ON team_members TO cmhf_app;
GRANT SELECT, INSERT (id, episode_id, person_id, level, complexity, what_matters, carers_views, professional_judgement, recorded_by) ON coordination_levels TO cmhf_app;
GRANT SELECT, INSERT (id, episode_id, person_id, place, held_by_name, held_by_organisation, since, expected_return, recorded_by),
      UPDATE (held_by_name, held_by_organisation, expected_return, until, ended_by) ON stays_elsewhere TO cmhf_app;
