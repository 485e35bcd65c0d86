-- +goose Up

-- Which services record about a person at present: those with an open episode with the person or an open referral. To see a person
-- does not suffice. Run as the caller, who sees the episodes and referrals of people that its services see.
CREATE FUNCTION service_supports_person(p_person uuid, p_service uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM episodes e WHERE e.person_id = p_person AND e.responsible_service_id = p_service AND e.state = 'Open')
    OR EXISTS (SELECT FROM referrals r WHERE r.person_id = p_person AND p_service IN (r.service_id, r.responsible_service_id) AND r.outcome_at IS NULL);
GRANT EXECUTE ON FUNCTION service_supports_person TO cmhf_app;

-- One questionnaire that a person answered: DIALOG, ReQoL-10, or scores of up to three goals of their own (GBO). Numbers only; the
-- questionnaires' texts are licensed. It never changes, except that it may turn out to have been entered in error.
CREATE TABLE outcome_assessments (
    id                  uuid PRIMARY KEY,
    person_id           uuid NOT NULL REFERENCES people,
    episode_id          uuid NOT NULL,
    service_id          uuid NOT NULL REFERENCES services,
    tool                text NOT NULL CHECK (tool IN ('DIALOG', 'ReQoL-10', 'GBO')),
    answered_on         date NOT NULL,
    -- The ten answers of ReQoL-10 that its total was made of, where they are known.
    answers             smallint[],
    -- An answer suggests risk: the caller says so, or a score does.
    risk_flag           boolean NOT NULL DEFAULT false,
    recorded_by         text NOT NULL,
    recorded_at         timestamptz NOT NULL DEFAULT now(),
    entered_in_error_at timestamptz,
    entered_in_error_by text,
    version             bigint NOT NULL DEFAULT 1,
    updated_at          timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (episode_id, person_id) REFERENCES episodes (id, person_id) ON UPDATE CASCADE,
    CONSTRAINT ten_answers CHECK (answers IS NULL OR (tool = 'ReQoL-10' AND cardinality(answers) = 10
        AND array_position(answers, NULL) IS NULL AND 0 <= ALL (answers) AND 4 >= ALL (answers))),
    CONSTRAINT not_in_the_future CHECK (answered_on <= (recorded_at AT TIME ZONE 'Europe/London')::date),
    CONSTRAINT error_is_whole CHECK ((entered_in_error_at IS NULL) = (entered_in_error_by IS NULL))
);
CREATE INDEX outcome_assessments_episode ON outcome_assessments (episode_id, recorded_at DESC, id DESC);
CREATE INDEX outcome_assessments_person ON outcome_assessments (person_id);

-- The scores that are compared over time, each with itself. Everything but item and score is its assessment's, copied by a trigger, so
-- that the two cannot differ. Item 0 is a questionnaire's total: ReQoL-10 is compared by it alone.
CREATE TABLE outcome_scores (
    id                  uuid PRIMARY KEY,
    person_id           uuid NOT NULL REFERENCES people,
    episode_id          uuid NOT NULL,
    service_id          uuid NOT NULL REFERENCES services,
    tool                text NOT NULL,
    item                smallint NOT NULL,
    score               smallint NOT NULL,
    answered_on         date NOT NULL,
    assessment_id       uuid NOT NULL REFERENCES outcome_assessments,
    entered_in_error_at timestamptz,
    UNIQUE (assessment_id, item),
    CONSTRAINT score_in_range CHECK (CASE tool
        WHEN 'DIALOG'   THEN item BETWEEN 1 AND 11 AND score BETWEEN 1 AND 7
        WHEN 'ReQoL-10' THEN item = 0 AND score BETWEEN 0 AND 40
        WHEN 'GBO'      THEN item BETWEEN 1 AND 3 AND score BETWEEN 0 AND 10
        ELSE false END)
);
CREATE INDEX outcome_scores_pairing ON outcome_scores (episode_id, tool, item, answered_on) WHERE entered_in_error_at IS NULL;
CREATE INDEX outcome_scores_person ON outcome_scores (person_id);

-- What somebody must look at at once. It is made in the transaction that saves the answer, belongs to the service that is responsible
-- for the person, and stays in that service's list until somebody has said what they did.
CREATE TABLE alerts_for_staff (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    person_id       uuid NOT NULL REFERENCES people,
    episode_id      uuid NOT NULL REFERENCES episodes,
    service_id      uuid NOT NULL REFERENCES services,
    kind            text NOT NULL DEFAULT 'OutcomeSuggestsRisk' CHECK (kind IN ('OutcomeSuggestsRisk')),
    assessment_id   uuid NOT NULL UNIQUE REFERENCES outcome_assessments,
    raised_at       timestamptz NOT NULL DEFAULT now(),
    due_on          date NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    response        text CHECK (response IN ('SpokeWithPerson', 'SafetyPlanReviewed', 'PassedToCrisisService', 'ReviewedInTeam', 'NoRiskFound')),
    version         bigint NOT NULL DEFAULT 1,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT acknowledged_as_a_whole CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL) AND (acknowledged_at IS NULL) = (response IS NULL))
);
CREATE INDEX alerts_for_staff_open ON alerts_for_staff (service_id, raised_at DESC, id DESC) WHERE acknowledged_at IS NULL;
CREATE INDEX alerts_for_staff_list ON alerts_for_staff (service_id, raised_at DESC, id DESC);
CREATE INDEX alerts_for_staff_episode ON alerts_for_staff (episode_id);

INSERT INTO record_tables VALUES ('outcome_assessments'), ('outcome_scores'), ('alerts_for_staff');

-- Errors: CM060 an assessment breaks a rule of its spell    CM061 what is settled (in error, acknowledged) is changed again

-- +goose StatementBegin
-- The next day that is neither at the weekend nor a bank holiday in England. One proclaimed for a single year counts as a working day,
-- which makes a deadline earlier, never later.
CREATE FUNCTION alert_deadline(p_day date) RETURNS date LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    candidate date := p_day;
    y int; m int; d int; weekday int;
    a int; b int; c int; h int; l int; n int;
    easter date;
BEGIN
    LOOP
        candidate := candidate + 1;
        y := extract(year FROM candidate); m := extract(month FROM candidate); d := extract(day FROM candidate);
        weekday := extract(isodow FROM candidate);
        -- Easter by the anonymous Gregorian rule.
        a := y % 19; b := y / 100; c := y % 100;
        h := (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
        l := (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
        n := h + l - 7 * ((a + 11 * h + 22 * l) / 451) + 114;
        easter := make_date(y, n / 31, n % 31 + 1);
        CONTINUE WHEN weekday > 5
            OR candidate IN (easter - 2, easter + 1)
            OR (m = 1 AND (d = 1 OR (d IN (2, 3) AND weekday = 1)))
            OR (m = 5 AND weekday = 1 AND (d <= 7 OR d >= 25))
            OR (m = 8 AND weekday = 1 AND d >= 25)
            OR (m = 12 AND (d IN (25, 26) OR (d IN (27, 28) AND weekday <= 2)));
        RETURN candidate;
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Scores belong to a spell of care: from the first day on which the person asked for help to its end, and not after death.
CREATE FUNCTION assessment_in_its_spell() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    died date;
    episode episodes;
BEGIN
    -- The person first, as a death locks them: it waits for this, or this for it.
    SELECT died_on INTO died FROM people WHERE id = NEW.person_id FOR SHARE;
    SELECT * INTO episode FROM episodes WHERE id = NEW.episode_id FOR SHARE;
    IF episode.state = 'EnteredInError' OR episode.responsible_service_id IS DISTINCT FROM NEW.service_id OR episode.person_id IS DISTINCT FROM NEW.person_id THEN
        RAISE EXCEPTION USING ERRCODE = 'CM060', MESSAGE = 'the responsible service of the person''s episode records what the person answered';
    END IF;
    IF NEW.answered_on < (SELECT least(min(r.received_on), (episode.opened_at AT TIME ZONE 'Europe/London')::date) FROM referrals r WHERE r.episode_id = episode.id)
       OR NEW.answered_on > (episode.closed_at AT TIME ZONE 'Europe/London')::date
       OR NEW.answered_on > died THEN
        RAISE EXCEPTION USING ERRCODE = 'CM060', MESSAGE = 'the answer is of a day outside the spell';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER assessment_in_its_spell BEFORE INSERT ON outcome_assessments FOR EACH ROW EXECUTE FUNCTION assessment_in_its_spell();

-- +goose StatementBegin
CREATE FUNCTION score_of_its_assessment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    assessment outcome_assessments;
BEGIN
    SELECT * INTO assessment FROM outcome_assessments WHERE id = NEW.assessment_id;
    -- Saved with its assessment or never: a score that is added later would change what others have read.
    IF assessment.recorded_at IS DISTINCT FROM now() OR assessment.recorded_by IS DISTINCT FROM caller_subject() THEN
        RAISE EXCEPTION USING ERRCODE = 'CM060', MESSAGE = 'a score is saved together with its assessment';
    END IF;
    NEW.person_id := assessment.person_id;
    NEW.episode_id := assessment.episode_id;
    NEW.service_id := assessment.service_id;
    NEW.tool := assessment.tool;
    NEW.answered_on := assessment.answered_on;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER score_of_its_assessment BEFORE INSERT ON outcome_scores FOR EACH ROW EXECUTE FUNCTION score_of_its_assessment();

-- +goose StatementBegin
CREATE FUNCTION assessment_is_whole() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM outcome_scores s WHERE s.assessment_id = NEW.id)
       OR (NEW.answers IS NOT NULL AND (SELECT sum(answer) FROM unnest(NEW.answers) answer)
           IS DISTINCT FROM (SELECT s.score FROM outcome_scores s WHERE s.assessment_id = NEW.id)) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM060', MESSAGE = 'an assessment has scores, and a total is the sum of its answers';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER assessment_is_whole AFTER INSERT ON outcome_assessments DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION assessment_is_whole();

-- +goose StatementBegin
CREATE FUNCTION raise_alert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'outcome_assessments' THEN
        INSERT INTO alerts_for_staff (person_id, episode_id, service_id, assessment_id, due_on)
        VALUES (NEW.person_id, NEW.episode_id, NEW.service_id, NEW.id, alert_deadline((now() AT TIME ZONE 'Europe/London')::date))
        ON CONFLICT (assessment_id) DO NOTHING;
    ELSE
        UPDATE outcome_assessments SET risk_flag = true WHERE id = NEW.assessment_id AND NOT risk_flag;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER raise_alert AFTER INSERT OR UPDATE OF risk_flag ON outcome_assessments FOR EACH ROW WHEN (NEW.risk_flag) EXECUTE FUNCTION raise_alert();
-- DIALOG's item 8 is personal safety, and 1 and 2 are "dissatisfied" and worse: reason to look whatever the caller says.
CREATE TRIGGER raise_alert AFTER INSERT ON outcome_scores FOR EACH ROW WHEN (NEW.tool = 'DIALOG' AND NEW.item = 8 AND NEW.score <= 2) EXECUTE FUNCTION raise_alert();

-- +goose StatementBegin
CREATE FUNCTION alerts_follow_responsibility() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE alerts_for_staff SET service_id = NEW.responsible_service_id WHERE episode_id = NEW.id AND acknowledged_at IS NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alerts_follow_responsibility AFTER UPDATE OF responsible_service_id ON episodes FOR EACH ROW
    WHEN (NEW.responsible_service_id <> OLD.responsible_service_id) EXECUTE FUNCTION alerts_follow_responsibility();

-- +goose StatementBegin
-- An alert that nobody has answered is itself a reason to see the person: it outlives the 90 days after a closure. What else limits who
-- sees the person holds as ever.
CREATE FUNCTION alert_gives_access() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE person_access SET until = now() + interval '90 days' WHERE source_id = NEW.id AND until IS NULL;
    INSERT INTO person_access (person_id, service_id, why, source_id)
    SELECT NEW.person_id, NEW.service_id, 'Episode', NEW.id WHERE NEW.acknowledged_at IS NULL
    ON CONFLICT (person_id, service_id, source_id) DO UPDATE SET until = NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_gives_access AFTER INSERT OR UPDATE OF service_id, acknowledged_by ON alerts_for_staff FOR EACH ROW EXECUTE FUNCTION alert_gives_access();

-- +goose StatementBegin
-- What was entered in error is no reason to see the person, and what an alert in it gave ends with it. The alert stays for those who see
-- the person by another way.
CREATE FUNCTION retraction_ends_alert_access() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE person_access a SET until = now() FROM alerts_for_staff l
    WHERE l.episode_id = NEW.id AND a.source_id = l.id AND (a.until IS NULL OR a.until > now());
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER retraction_ends_alert_access AFTER UPDATE OF state ON episodes FOR EACH ROW
    WHEN (OLD.state <> 'EnteredInError' AND NEW.state = 'EnteredInError') EXECUTE FUNCTION retraction_ends_alert_access();

-- +goose StatementBegin
-- An alert is answered once. The moment is not the writer's to choose.
CREATE FUNCTION alert_acknowledged() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.acknowledged_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM061', MESSAGE = 'the alert is acknowledged already';
    END IF;
    NEW.acknowledged_at := now();
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER alert_acknowledged BEFORE UPDATE OF acknowledged_by, response ON alerts_for_staff FOR EACH ROW EXECUTE FUNCTION alert_acknowledged();

-- +goose StatementBegin
-- Entered in error is said once, by a name of the service that recorded it, and never taken back: who had read the record must be able
-- to learn of it. For every table with the two columns and service_id.
CREATE FUNCTION entered_in_error() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT coalesce(OLD.service_id = ANY (caller_services()), false) THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'only the service that recorded it says that it was in error';
    END IF;
    IF OLD.entered_in_error_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM061', MESSAGE = 'the record is marked as entered in error already';
    END IF;
    IF NEW.entered_in_error_by IS DISTINCT FROM caller_subject() THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'nobody speaks in another''s name';
    END IF;
    NEW.entered_in_error_at := now();
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER entered_in_error BEFORE UPDATE OF entered_in_error_by ON outcome_assessments FOR EACH ROW EXECUTE FUNCTION entered_in_error();

-- +goose StatementBegin
CREATE FUNCTION scores_are_in_error_too() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE outcome_scores SET entered_in_error_at = NEW.entered_in_error_at WHERE assessment_id = NEW.id;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER scores_are_in_error_too AFTER UPDATE OF entered_in_error_by ON outcome_assessments FOR EACH ROW EXECUTE FUNCTION scores_are_in_error_too();

-- How often the person, or somebody for them, was met in a spell of care, before acceptance included.
CREATE FUNCTION attended_contacts(p_episode uuid) RETURNS bigint LANGUAGE sql STABLE
RETURN (SELECT count(*) FROM contacts c
        WHERE c.attendance = 'Attended' AND c.held_with <> 'Professional' AND c.entered_in_error_at IS NULL
          AND (c.episode_id = p_episode OR c.referral_id IN (SELECT r.id FROM referrals r WHERE r.episode_id = p_episode)));
GRANT EXECUTE ON FUNCTION attended_contacts TO cmhf_app;

CREATE TRIGGER next_version BEFORE UPDATE ON outcome_assessments FOR EACH ROW EXECUTE FUNCTION next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON alerts_for_staff    FOR EACH ROW EXECUTE FUNCTION next_version();

ALTER TABLE outcome_assessments ENABLE ROW LEVEL SECURITY;
ALTER TABLE outcome_scores      ENABLE ROW LEVEL SECURITY;
ALTER TABLE alerts_for_staff    ENABLE ROW LEVEL SECURITY;

CREATE POLICY visible ON outcome_assessments FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = outcome_assessments.person_id));
CREATE POLICY visible ON outcome_scores      FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = outcome_scores.person_id));
CREATE POLICY record ON outcome_assessments FOR INSERT TO cmhf_app
    WITH CHECK (recorded_by = caller_subject() AND service_id = ANY ((SELECT caller_services())::uuid[])
                AND EXISTS (SELECT FROM people p WHERE p.id = outcome_assessments.person_id));
CREATE POLICY record ON outcome_scores FOR INSERT TO cmhf_app
    WITH CHECK (service_id = ANY ((SELECT caller_services())::uuid[]) AND EXISTS (SELECT FROM people p WHERE p.id = outcome_scores.person_id));
CREATE POLICY retract ON outcome_assessments FOR UPDATE TO cmhf_app
    USING (service_id = ANY ((SELECT caller_services())::uuid[])) WITH CHECK (entered_in_error_by = caller_subject());
CREATE POLICY own ON alerts_for_staff FOR SELECT TO cmhf_app
    USING (service_id = ANY ((SELECT caller_services())::uuid[]) AND EXISTS (SELECT FROM people p WHERE p.id = alerts_for_staff.person_id));
CREATE POLICY answer ON alerts_for_staff FOR UPDATE TO cmhf_app
    USING (service_id = ANY ((SELECT caller_services())::uuid[])) WITH CHECK (acknowledged_by = caller_subject());

GRANT SELECT, INSERT (id, person_id, episode_id, service_id, tool, answered_on, answers, risk_flag, recorded_by),
      UPDATE (entered_in_error_by) ON outcome_assessments TO cmhf_app;
GRANT SELECT, INSERT (id, assessment_id, item, score) ON outcome_scores TO cmhf_app;
GRANT SELECT, UPDATE (acknowledged_by, response) ON alerts_for_staff TO cmhf_app;
