-- +goose Up

CREATE TABLE episodes (
    id                     uuid PRIMARY KEY,
    person_id              uuid NOT NULL REFERENCES people,
    responsible_service_id uuid NOT NULL REFERENCES services,
    state                  text NOT NULL DEFAULT 'Open' CHECK (state IN ('Open', 'Closed')),
    opened_at              timestamptz NOT NULL DEFAULT now(),
    opened_by              text NOT NULL,
    closed_at              timestamptz,
    UNIQUE (id, person_id),
    CHECK ((state = 'Closed') = (closed_at IS NOT NULL))
);
CREATE UNIQUE INDEX episodes_one_open ON episodes (person_id, responsible_service_id) WHERE state = 'Open';
CREATE INDEX episodes_list ON episodes (responsible_service_id, opened_at DESC, id DESC);

CREATE TABLE referrals (
    id                     uuid PRIMARY KEY,
    person_id              uuid NOT NULL REFERENCES people,
    service_id             uuid NOT NULL REFERENCES services,
    responsible_service_id uuid NOT NULL REFERENCES services,
    route                  text NOT NULL CHECK (route IN ('Self', 'Carer', 'GP', 'VCSE', 'SocialCare', 'Crisis', 'Inpatient', 'Online', 'WalkIn')),
    reason                 text NOT NULL CHECK (length(btrim(reason)) BETWEEN 1 AND 4000),
    received_on            date NOT NULL,
    state                  text NOT NULL DEFAULT 'Open' CHECK (state IN ('Open', 'Accepted', 'Died')),
    recorded_by            text NOT NULL,
    recorded_at            timestamptz NOT NULL DEFAULT now(),
    episode_id             uuid,
    outcome_by             text,
    outcome_at             timestamptz,
    FOREIGN KEY (episode_id, person_id) REFERENCES episodes (id, person_id),
    CONSTRAINT accepted_into_an_episode CHECK ((state = 'Accepted') = (episode_id IS NOT NULL)),
    CHECK ((state = 'Open') = (outcome_at IS NULL))
);
CREATE INDEX referrals_list ON referrals (service_id, recorded_at DESC, id DESC);
CREATE INDEX referrals_person ON referrals (person_id);
CREATE INDEX referrals_episode ON referrals (episode_id);
CREATE INDEX referrals_received ON referrals (received_on);

-- Errors of class CM are the care rules; the API gives each a problem of its own.
--   CM001 the service takes no new referrals    CM002 a referral's state or responsible service changed against the rules
--   CM003 an episode changed against the rules  CM004 a closure lacks something; DETAIL is the missing part's code
--   CM005 the person has died
-- All triggers are the owner's: run as the caller they would see the caller's rows only, and let a rule be broken unseen.

-- +goose StatementBegin
CREATE FUNCTION referral_received() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- The share lock makes a directory change wait, so a service cannot become Closing between this check and the commit.
    IF (SELECT state FROM services WHERE id = NEW.service_id FOR SHARE) = 'Closing' THEN
        RAISE EXCEPTION USING ERRCODE = 'CM001', MESSAGE = 'the service takes no new referrals';
    END IF;
    IF NEW.state <> 'Open' THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'a referral starts open';
    END IF;
    IF NEW.responsible_service_id <> NEW.service_id AND NOT coalesce(NEW.responsible_service_id = ANY (caller_services()), false) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'the sending service must be one of the caller''s';
    END IF;
    -- A person whose death is recorded: an error would tell the sender that the person was known here, so the referral is
    -- taken, ends at once, and those who receive it see why.
    IF (SELECT died_on FROM people WHERE id = NEW.person_id FOR SHARE) IS NOT NULL THEN
        NEW.state := 'Died';
        NEW.outcome_by := NEW.recorded_by;
        NEW.outcome_at := now();
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER referral_received BEFORE INSERT ON referrals FOR EACH ROW EXECUTE FUNCTION referral_received();

-- +goose StatementBegin
-- Access is given after the row has passed the policy: before, it would be the very access that the policy asks for.
CREATE FUNCTION referral_gives_access() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO person_access (person_id, service_id, why, source_id, until)
    SELECT NEW.person_id, service_id, why, NEW.id, NEW.outcome_at + interval '90 days'
    FROM (VALUES (NEW.service_id, 'Referral'), (NEW.responsible_service_id, 'SentReferral')) AS party (service_id, why)
    WHERE why = 'Referral' OR service_id <> NEW.service_id;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER referral_gives_access AFTER INSERT ON referrals FOR EACH ROW EXECUTE FUNCTION referral_gives_access();

-- +goose StatementBegin
CREATE FUNCTION referral_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.id, NEW.person_id, NEW.service_id, NEW.route, NEW.reason, NEW.received_on, NEW.recorded_by, NEW.recorded_at)
       IS DISTINCT FROM (OLD.id, OLD.person_id, OLD.service_id, OLD.route, OLD.reason, OLD.received_on, OLD.recorded_by, OLD.recorded_at)
       OR OLD.state <> 'Open' OR NEW.state = 'Open' THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'a referral changes once, from open to its outcome';
    END IF;
    IF NEW.state = 'Died' THEN
        IF (SELECT died_on FROM people WHERE id = NEW.person_id) IS NULL OR NEW.responsible_service_id <> OLD.responsible_service_id THEN
            RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'no death is recorded';
        END IF;
        UPDATE person_access SET until = now() + interval '90 days' WHERE source_id = NEW.id;
        RETURN NEW;
    END IF;
    IF NEW.responsible_service_id <> NEW.service_id
       OR NOT EXISTS (SELECT FROM episodes e WHERE e.id = NEW.episode_id AND e.person_id = NEW.person_id AND e.state = 'Open'
                      AND e.responsible_service_id = NEW.service_id FOR SHARE) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'acceptance makes the accepting service responsible through its open episode';
    END IF;
    -- The episode's own access takes over for the accepting service; the sender still sees how it went on.
    UPDATE person_access SET until = CASE why WHEN 'SentReferral' THEN now() + interval '90 days' ELSE now() END WHERE source_id = NEW.id;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER referral_changed BEFORE UPDATE ON referrals FOR EACH ROW EXECUTE FUNCTION referral_changed();

-- +goose StatementBegin
CREATE FUNCTION episode_opened() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.state <> 'Open' THEN
        RAISE EXCEPTION USING ERRCODE = 'CM003', MESSAGE = 'an episode starts open';
    END IF;
    IF (SELECT died_on FROM people WHERE id = NEW.person_id FOR SHARE) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM005', MESSAGE = 'the person has died';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER episode_opened BEFORE INSERT ON episodes FOR EACH ROW EXECUTE FUNCTION episode_opened();

-- +goose StatementBegin
CREATE FUNCTION episode_gives_access() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO person_access (person_id, service_id, why, source_id) VALUES (NEW.person_id, NEW.responsible_service_id, 'Episode', NEW.id);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER episode_gives_access AFTER INSERT ON episodes FOR EACH ROW EXECUTE FUNCTION episode_gives_access();

-- +goose StatementBegin
CREATE FUNCTION episode_has_referral() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM referrals r WHERE r.episode_id = NEW.id) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM003', MESSAGE = 'an episode opens by accepting a referral';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER episode_has_referral AFTER INSERT ON episodes DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION episode_has_referral();

ALTER TABLE referrals ENABLE ROW LEVEL SECURITY;
ALTER TABLE episodes ENABLE ROW LEVEL SECURITY;

CREATE POLICY visible ON referrals FOR SELECT TO cmhf_app
    USING (EXISTS (SELECT FROM person_access a WHERE a.person_id = referrals.person_id
                   AND a.service_id = ANY ((SELECT caller_services())::uuid[]) AND (a.until IS NULL OR a.until > now())));
CREATE POLICY receive ON referrals FOR INSERT TO cmhf_app
    WITH CHECK (recorded_by = caller_subject()
                AND (person_id = nullif(current_setting('cmhf.admitted_person', true), '')::uuid
                     OR EXISTS (SELECT FROM people p WHERE p.id = referrals.person_id)));
CREATE POLICY decide ON referrals FOR UPDATE TO cmhf_app
    USING (service_id = ANY ((SELECT caller_services())::uuid[])) WITH CHECK (outcome_by = caller_subject());
CREATE POLICY visible ON episodes FOR SELECT TO cmhf_app
    USING (EXISTS (SELECT FROM person_access a WHERE a.person_id = episodes.person_id
                   AND a.service_id = ANY ((SELECT caller_services())::uuid[]) AND (a.until IS NULL OR a.until > now())));
CREATE POLICY open ON episodes FOR INSERT TO cmhf_app
    WITH CHECK (opened_by = caller_subject() AND responsible_service_id = ANY ((SELECT caller_services())::uuid[])
                AND EXISTS (SELECT FROM people p WHERE p.id = episodes.person_id));

-- To see a person does not suffice to change the duties towards them: the service supports the person now.
CREATE POLICY record ON legal_duties FOR INSERT TO cmhf_app
    WITH CHECK (recorded_by = caller_subject()
                AND EXISTS (SELECT FROM episodes e WHERE e.person_id = legal_duties.person_id AND e.state = 'Open'
                            AND e.responsible_service_id = ANY ((SELECT caller_services())::uuid[])));
CREATE POLICY finish ON legal_duties FOR UPDATE TO cmhf_app
    USING (ended_at IS NULL
           AND EXISTS (SELECT FROM episodes e WHERE e.person_id = legal_duties.person_id AND e.state = 'Open'
                       AND e.responsible_service_id = ANY ((SELECT caller_services())::uuid[])))
    WITH CHECK (ended_by = caller_subject());

-- Makes those who change an episode at once do so one after the other, and gives the state that is then current. Nothing is
-- locked, and there is no answer, unless a service of the caller is responsible.
CREATE FUNCTION lock_episode(p_episode uuid) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT state FROM episodes WHERE id = p_episode AND responsible_service_id = ANY (caller_services()) FOR UPDATE
$$;
GRANT EXECUTE ON FUNCTION lock_episode TO cmhf_app;

-- An episode is never updated by the app: recording a closure closes it.
GRANT SELECT, INSERT (id, person_id, service_id, responsible_service_id, route, reason, received_on, recorded_by),
      UPDATE (state, episode_id, responsible_service_id, outcome_by, outcome_at) ON referrals TO cmhf_app;
GRANT SELECT, INSERT (id, person_id, responsible_service_id, opened_by) ON episodes TO cmhf_app;
