-- +goose Up

-- A person who comes back starts a new spell: an episode that names the earlier one, opened by a referral that says what it is.
ALTER TABLE referrals ADD COLUMN re_entry boolean NOT NULL DEFAULT false;
ALTER TABLE episodes
    ADD COLUMN previous_episode_id uuid REFERENCES episodes,
    ADD COLUMN safety_check_due_on date,
    ADD CONSTRAINT re_entry_has_safety_check CHECK ((previous_episode_id IS NULL) = (safety_check_due_on IS NULL));
CREATE INDEX episodes_previous ON episodes (previous_episode_id) WHERE previous_episode_id IS NOT NULL;

-- What may have changed since: risk, medicines, address, safeguarding.
CREATE TABLE safety_checks (
    id           uuid PRIMARY KEY,
    episode_id   uuid NOT NULL,
    person_id    uuid NOT NULL,
    risk         text NOT NULL CHECK (length(btrim(risk)) BETWEEN 1 AND 2000),
    medicines    text NOT NULL CHECK (length(btrim(medicines)) BETWEEN 1 AND 2000),
    address      text NOT NULL CHECK (length(btrim(address)) BETWEEN 1 AND 2000),
    safeguarding text NOT NULL CHECK (length(btrim(safeguarding)) BETWEEN 1 AND 2000),
    checked_on   date NOT NULL,
    recorded_by  text NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (episode_id, person_id) REFERENCES episodes (id, person_id)
);
CREATE INDEX safety_checks_episode ON safety_checks (episode_id, recorded_at DESC);
INSERT INTO record_tables VALUES ('safety_checks');

-- +goose StatementBegin
CREATE FUNCTION safety_checked() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.checked_on NOT BETWEEN (SELECT (opened_at AT TIME ZONE 'Europe/London')::date FROM episodes WHERE id = NEW.episode_id)
                              AND (now() AT TIME ZONE 'Europe/London')::date THEN
        RAISE EXCEPTION USING ERRCODE = 'CM043', MESSAGE = 'the check lies between the opening of the episode and today';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER begins_in_open_episode BEFORE INSERT ON safety_checks FOR EACH ROW EXECUTE FUNCTION begins_in_open_episode();
CREATE TRIGGER safety_checked BEFORE INSERT ON safety_checks FOR EACH ROW EXECUTE FUNCTION safety_checked();
CREATE TRIGGER part_changed AFTER INSERT ON safety_checks FOR EACH ROW EXECUTE FUNCTION episode_part_changed();

-- +goose StatementBegin
-- Somebody comes back to a service: no new referral, no test. A return plan that is valid opens to the service that made it, whoever
-- calls; any earlier episode opens to the service that asks for itself. Otherwise the request is a referral like any other, which waits
-- for the service. The answer is Reentered, Joined (an episode with the service was open), or Referred.
CREATE FUNCTION re_enter(p_referral uuid, p_episode uuid, p_person uuid, p_service uuid, p_reason text, p_received_on date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    today date := (now() AT TIME ZONE 'Europe/London')::date;
    earlier uuid;
    promised boolean;
    opens boolean;
    into_episode uuid;
BEGIN
    IF caller_subject() IS NULL OR NOT (p_person = coalesce(nullif(current_setting('cmhf.admitted_person', true), '')::uuid, '00000000-0000-0000-0000-000000000000')
        OR EXISTS (SELECT FROM person_access a WHERE a.person_id = p_person AND a.service_id = ANY (caller_services()) AND (a.until IS NULL OR a.until > now()))) THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'nobody may name a person whom they do not see';
    END IF;
    SELECT e.id, p.valid_until >= today AND e.responsible_service_id = p_service INTO earlier, promised
    FROM episodes e JOIN return_plans p ON p.episode_id = e.id
    WHERE e.person_id = p_person AND e.state = 'Closed'
    ORDER BY (p.valid_until >= today AND e.responsible_service_id = p_service) DESC, e.closed_at DESC LIMIT 1;
    opens := earlier IS NOT NULL AND (promised OR coalesce(p_service = ANY (caller_services()), false))
             AND (SELECT died_on FROM people WHERE id = p_person FOR SHARE) IS NULL;
    INSERT INTO referrals (id, person_id, service_id, responsible_service_id, route, reason, received_on, recorded_by, re_entry)
    VALUES (p_referral, p_person, p_service, p_service, 'Self', p_reason, p_received_on, caller_subject(), opens);
    IF NOT opens THEN RETURN 'Referred'; END IF;
    SELECT id INTO into_episode FROM episodes WHERE person_id = p_person AND responsible_service_id = p_service AND state = 'Open' FOR UPDATE;
    IF into_episode IS NULL THEN
        INSERT INTO episodes (id, person_id, responsible_service_id, opened_by, previous_episode_id, safety_check_due_on)
        VALUES (p_episode, p_person, p_service, caller_subject(), earlier, today + standard_of(p_service, 'ReentryCheckDays'));
    END IF;
    UPDATE referrals SET state = 'Accepted', episode_id = coalesce(into_episode, p_episode), outcome_by = caller_subject(), outcome_at = now()
    WHERE id = p_referral;
    RETURN CASE WHEN into_episode IS NULL THEN 'Reentered' ELSE 'Joined' END;
END $$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION re_enter TO cmhf_app;

ALTER TABLE safety_checks ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON safety_checks FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = safety_checks.person_id));
CREATE POLICY record ON safety_checks FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject() AND caller_holds_episode(episode_id));
GRANT SELECT, INSERT (id, episode_id, person_id, risk, medicines, address, safeguarding, checked_on, recorded_by) ON safety_checks TO cmhf_app;
