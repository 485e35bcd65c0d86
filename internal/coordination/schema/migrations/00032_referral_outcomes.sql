-- +goose Up

-- A referral is never simply rejected (rule 2), and one service is responsible for it at every instant (rule 3).
--
-- Who is sent on gets a second referral, linked to the first. The first stays open, and its service responsible, until the second is
-- accepted; then it ends as Redirected. A referral is Reaching while it is open and has a day on which the person is tried again: so
-- whatever counts, lists or ends open referrals counts those too, and nobody who can't be reached drops out of sight.
ALTER TABLE referrals
    ADD COLUMN redirected_from  uuid REFERENCES referrals,
    ADD COLUMN reaching_next_on date,
    DROP CONSTRAINT referrals_state_check,
    ADD CONSTRAINT referrals_state_check -- EnteredInError is no outcome: nothing here lets a referral become that
        CHECK (state IN ('Open', 'Accepted', 'Redirected', 'PersonChose', 'Withdrawn', 'Duplicate', 'Died', 'MovedAway', 'EnteredInError')),
    ADD CONSTRAINT reaching_while_open CHECK (reaching_next_on IS NULL OR state = 'Open'),
    ADD CONSTRAINT sent_on_elsewhere CHECK (redirected_from <> id);
CREATE INDEX referrals_redirected_from ON referrals (redirected_from);
CREATE UNIQUE INDEX referrals_one_redirect ON referrals (redirected_from) WHERE state = 'Open';
CREATE INDEX referrals_open ON referrals (service_id, recorded_at) WHERE state = 'Open';
CREATE INDEX referrals_sent_on ON referrals (responsible_service_id) WHERE state = 'Open' AND responsible_service_id <> service_id;
GRANT INSERT (redirected_from) ON referrals TO cmhf_app;

-- How a referral ended, other than by acceptance here or by being sent on to a service of the ICS.
CREATE TABLE referral_outcomes (
    id                 uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    referral_id        uuid NOT NULL REFERENCES referrals,
    kind               text NOT NULL CONSTRAINT permitted_outcome
                       CHECK (kind IN ('Redirected', 'PersonChose', 'Withdrawn', 'Duplicate', 'Died', 'MovedAway')),
    decided_on         date NOT NULL,
    party_name         text CHECK (length(btrim(party_name)) BETWEEN 1 AND 200),
    party_organisation text CHECK (length(btrim(party_organisation)) BETWEEN 1 AND 200),
    party_on           date,
    party_channel      text CHECK (party_channel IN ('InPerson', 'Phone', 'Email', 'Letter', 'System')),
    told_how           text CHECK (length(btrim(told_how)) BETWEEN 1 AND 1000),
    capacity           text CHECK (capacity IN ('HasCapacity', 'LacksCapacity')),
    duplicate_of       uuid REFERENCES referrals,
    died_on            date,
    death_source       text CHECK (death_source IN ('Family', 'GP', 'Hospital', 'Coroner', 'NationalRecord')),
    recorded_by        text NOT NULL,
    recorded_at        timestamptz NOT NULL DEFAULT now(),
    reversed_at        timestamptz, -- the referral goes on after all
    -- Who accepted the person (Redirected to an organisation outside, MovedAway) or took the referral back (Withdrawn).
    CONSTRAINT named_party CHECK (
        (kind IN ('Redirected', 'Withdrawn', 'MovedAway')) = (party_name IS NOT NULL AND party_organisation IS NOT NULL AND party_on IS NOT NULL AND party_channel IS NOT NULL)
        AND (party_name IS NULL) = (party_organisation IS NULL) AND (party_name IS NULL) = (party_on IS NULL) AND (party_name IS NULL) = (party_channel IS NULL)),
    CONSTRAINT choice_with_capacity CHECK (
        (kind = 'PersonChose') = (told_how IS NOT NULL AND capacity IS NOT NULL) AND (told_how IS NULL) = (capacity IS NULL)
        AND (kind <> 'PersonChose' OR capacity = 'HasCapacity')),
    CONSTRAINT duplicate_named CHECK ((kind = 'Duplicate') = (duplicate_of IS NOT NULL) AND duplicate_of <> referral_id),
    CONSTRAINT death_recorded CHECK ((kind = 'Died') = (died_on IS NOT NULL AND death_source IS NOT NULL) AND (died_on IS NULL) = (death_source IS NULL)),
    CONSTRAINT not_in_the_future CHECK (party_on <= decided_on AND died_on <= decided_on)
);

CREATE UNIQUE INDEX referral_outcomes_one ON referral_outcomes (referral_id) WHERE reversed_at IS NULL;

CREATE TABLE referral_reaching_steps (
    id          uuid PRIMARY KEY,
    referral_id uuid NOT NULL REFERENCES referrals,
    kind        text NOT NULL CHECK (kind IN ('Attempt', 'CarerContacted', 'GPContacted', 'RiskReview', 'Reached')),
    channel     text CHECK (channel IN ('Phone', 'Text', 'Email', 'Letter', 'Visit')),
    happened_on date NOT NULL,
    next_on     date,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((kind IN ('Attempt', 'Reached')) = (channel IS NOT NULL)),
    -- Nobody is tried once and then left: until the person is reached, each step says when the next is, and that is not far away.
    CONSTRAINT next_step CHECK ((kind = 'Reached') = (next_on IS NULL)
        AND next_on BETWEEN (recorded_at AT TIME ZONE 'Europe/London')::date AND (recorded_at AT TIME ZONE 'Europe/London')::date + 92),
    CONSTRAINT step_has_happened CHECK (happened_on <= (recorded_at AT TIME ZONE 'Europe/London')::date)
);
CREATE INDEX referral_reaching_steps_referral ON referral_reaching_steps (referral_id);

-- What kept a referral from ending, without the person and without free text: services learn from it.
CREATE TABLE outcome_refusals (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    service_id uuid NOT NULL,
    missing    text NOT NULL CHECK (missing IN ('kind', 'receiver', 'acceptance', 'choice', 'capacity', 'withdrawal', 'duplicate', 'death'))
);

INSERT INTO deadline_kinds VALUES ('FirstContact', 'Referral', 28), ('ReferralAnswer', 'Referral', 7), ('ReachingNext', 'Referral', 7);

-- Further errors of class CM:
--   CM030 an outcome lacks something; DETAIL is the missing part's code

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION referral_received() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    sent_on referrals;
BEGIN
    -- The share lock makes a directory change wait, so a service cannot become Closing between this check and the commit.
    IF (SELECT state FROM services WHERE id = NEW.service_id FOR SHARE) = 'Closing' THEN
        RAISE EXCEPTION USING ERRCODE = 'CM001', MESSAGE = 'the service takes no new referrals';
    END IF;
    IF NEW.state <> 'Open' THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'a referral starts open';
    END IF;
    IF NEW.redirected_from IS NOT NULL THEN
        SELECT * INTO sent_on FROM referrals WHERE id = NEW.redirected_from FOR UPDATE;
        -- Either service of the referral sends the person on, or who has made the referral in this very transaction.
        IF sent_on.id IS NULL OR sent_on.person_id <> NEW.person_id OR sent_on.service_id = NEW.service_id
           OR NEW.responsible_service_id <> sent_on.responsible_service_id
           OR NOT (coalesce(ARRAY[sent_on.service_id, sent_on.responsible_service_id] && caller_services(), false)
                   OR (sent_on.recorded_by = caller_subject() AND sent_on.recorded_at = now())) THEN
            RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'a service of the referral sends the person on to another one and stays responsible';
        END IF;
    ELSIF NEW.responsible_service_id <> NEW.service_id AND NOT coalesce(NEW.responsible_service_id = ANY (caller_services()), false) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'the sending service must be one of the caller''s';
    END IF;
    -- A person whose death is recorded: an error would tell the sender that the person was known here, so the referral is
    -- taken, ends at once, and those who receive it see why.
    IF (SELECT died_on FROM people WHERE id = NEW.person_id FOR SHARE) IS NOT NULL THEN
        NEW.state := 'Died';
        NEW.outcome_by := NEW.recorded_by;
        NEW.outcome_at := now();
    ELSIF sent_on.state <> 'Open' THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'a referral that has ended is not sent on';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION referral_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    allowed boolean;
BEGIN
    IF (NEW.id, NEW.person_id, NEW.service_id, NEW.route, NEW.reason, NEW.received_on, NEW.recorded_by, NEW.recorded_at, NEW.redirected_from, NEW.correction_of)
       IS DISTINCT FROM (OLD.id, OLD.person_id, OLD.service_id, OLD.route, OLD.reason, OLD.received_on, OLD.recorded_by, OLD.recorded_at, OLD.redirected_from, OLD.correction_of) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'what was received stays as it was';
    END IF;
    IF (NEW.state, NEW.responsible_service_id, NEW.episode_id, NEW.outcome_by, NEW.outcome_at)
       IS NOT DISTINCT FROM (OLD.state, OLD.responsible_service_id, OLD.episode_id, OLD.outcome_by, OLD.outcome_at) THEN
        RETURN NEW; -- a part of the referral was recorded
    END IF;
    IF OLD.state <> 'Open' OR NEW.state = 'Open' THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'a referral changes once, from open to its outcome';
    END IF;
    -- The service to which the person was sent on may accept at any moment.
    IF NEW.state NOT IN ('Redirected', 'Died') AND EXISTS (SELECT FROM referrals WHERE redirected_from = NEW.id AND state = 'Open') THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'the person is sent on and the other service has not answered';
    END IF;
    NEW.reaching_next_on := NULL;
    IF NEW.state = 'Accepted' THEN
        IF NEW.responsible_service_id <> NEW.service_id
           OR NOT EXISTS (SELECT FROM episodes e WHERE e.id = NEW.episode_id AND e.person_id = NEW.person_id AND e.state = 'Open'
                          AND e.responsible_service_id = NEW.service_id FOR SHARE) THEN
            RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'acceptance makes the accepting service responsible through its open episode';
        END IF;
        -- The episode's own access takes over for the accepting service; the sender still sees how it went on.
        UPDATE person_access SET until = CASE why WHEN 'SentReferral' THEN now() + interval '90 days' ELSE now() END WHERE source_id = NEW.id;
        RETURN NEW;
    END IF;
    allowed := NEW.responsible_service_id = OLD.responsible_service_id AND CASE NEW.state
        WHEN 'Died' THEN (SELECT died_on FROM people WHERE id = NEW.person_id) IS NOT NULL
        ELSE EXISTS (SELECT FROM referral_outcomes o WHERE o.referral_id = NEW.id AND o.kind = NEW.state AND o.reversed_at IS NULL)
             OR (NEW.state = 'Redirected'
                 AND EXISTS (SELECT FROM referrals WHERE redirected_from = NEW.id AND state IN ('Accepted', 'Redirected'))) END;
    IF NOT coalesce(allowed, false) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'nothing is recorded that ends the referral so';
    END IF;
    UPDATE person_access SET until = now() + interval '90 days' WHERE source_id = NEW.id;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- What is due from the moment on which a referral arrives. Whose responsible service is another one than the receiving one has the first
-- contact to see to, the receiving one the answer; who is sent on has the first contact due with the first referral already.
CREATE FUNCTION referral_sets_deadlines() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND EXISTS (SELECT FROM deadlines WHERE subject_id = NEW.id) THEN RETURN NULL; END IF;
    IF NEW.redirected_from IS NULL THEN
        PERFORM set_deadline(NEW.person_id, NEW.responsible_service_id, 'FirstContact', NEW.id, NEW.received_on + standard_of(NEW.service_id, 'FirstContactDays'));
    END IF;
    IF NEW.redirected_from IS NOT NULL OR NEW.responsible_service_id <> NEW.service_id THEN
        PERFORM set_deadline(NEW.person_id, NEW.service_id, 'ReferralAnswer', NEW.id,
                             (now() AT TIME ZONE 'Europe/London')::date + standard_of(NEW.service_id, 'HandoverAnswerDays'));
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER referral_sets_deadlines AFTER INSERT ON referrals FOR EACH ROW WHEN (NEW.state = 'Open') EXECUTE FUNCTION referral_sets_deadlines();
-- One that came after a death that was none had nothing due until now; what was due before the death is so again by itself.
CREATE TRIGGER referral_sets_deadlines_late AFTER UPDATE OF state ON referrals FOR EACH ROW
    WHEN (OLD.state = 'Died' AND NEW.state = 'Open') EXECUTE FUNCTION referral_sets_deadlines();

-- +goose StatementBegin
-- An accepted person waits on for the first contact, now with the accepting service; the day is still that of the first referral, for
-- being sent on does not make the wait begin anew. Any other end stops what is due (a death does by itself, and can be reversed). Who
-- was sent on and is accepted ends the referral that they were sent on from, in the same moment.
CREATE FUNCTION referral_ended() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first_due date;
BEGIN
    IF NEW.state = 'Died' THEN RETURN NULL; END IF;
    PERFORM meet_deadline(NEW.id, 'ReferralAnswer');
    IF NEW.state <> 'Accepted' THEN
        PERFORM drop_deadlines(NEW.id);
    ELSIF NEW.redirected_from IS NULL THEN
        PERFORM move_deadlines(NEW.id, NEW.responsible_service_id);
    ELSE
        WITH RECURSIVE chain AS (
            SELECT NEW.redirected_from AS id
            UNION SELECT r.redirected_from FROM chain JOIN referrals r ON r.id = chain.id WHERE r.redirected_from IS NOT NULL)
        SELECT min(d.due_on) INTO first_due FROM chain JOIN deadlines d ON d.subject_id = chain.id AND d.kind = 'FirstContact' AND d.met_at IS NULL AND d.dropped_at IS NULL;
        PERFORM set_deadline(NEW.person_id, NEW.responsible_service_id, 'FirstContact', NEW.id,
                             coalesce(first_due, (now() AT TIME ZONE 'Europe/London')::date + standard_of(NEW.service_id, 'FirstContactDays')));
    END IF;
    IF NEW.redirected_from IS NOT NULL AND NEW.state IN ('Accepted', 'Redirected') THEN
        UPDATE referrals SET state = 'Redirected', outcome_by = NEW.outcome_by, outcome_at = now() WHERE id = NEW.redirected_from AND state = 'Open';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER referral_ended AFTER UPDATE OF state ON referrals FOR EACH ROW
    WHEN (OLD.state = 'Open' AND NEW.state <> 'Open') EXECUTE FUNCTION referral_ended();

-- +goose StatementBegin
-- What was entered in error is not tried again. referral_changed sees to it for outcomes.
CREATE FUNCTION reaching_ends() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    NEW.reaching_next_on := NULL;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER reaching_ends BEFORE UPDATE OF state ON referrals FOR EACH ROW WHEN (NEW.state = 'EnteredInError') EXECUTE FUNCTION reaching_ends();

-- +goose StatementBegin
-- A referral that goes on, because the death that ended it was none, is as it was: with its next date, and without the outcome.
CREATE FUNCTION referral_goes_on() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE referral_outcomes SET reversed_at = now() WHERE referral_id = NEW.id AND reversed_at IS NULL;
    NEW.reaching_next_on := (SELECT next_on FROM referral_reaching_steps WHERE referral_id = NEW.id ORDER BY recorded_at DESC, id DESC LIMIT 1);
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER referral_goes_on BEFORE UPDATE OF state ON referrals FOR EACH ROW
    WHEN (OLD.state <> 'Open' AND NEW.state = 'Open') EXECUTE FUNCTION referral_goes_on();

-- +goose StatementBegin
CREATE FUNCTION outcome_allowed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    referral referrals;
    missing text;
BEGIN
    NEW.decided_on := (now() AT TIME ZONE 'Europe/London')::date; -- not the writer's to choose
    SELECT * INTO STRICT referral FROM referrals WHERE id = NEW.referral_id FOR UPDATE;
    IF referral.state <> 'Open' THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'the referral has its outcome already';
    END IF;
    missing := CASE NEW.kind
        -- Who takes a referral back is who made it: a service that sends a person on, or a referrer outside. What a person asked for
        -- themself is theirs alone to give up, and who receives someone may not send them back so.
        WHEN 'Withdrawn' THEN CASE
            WHEN referral.responsible_service_id <> referral.service_id OR referral.redirected_from IS NOT NULL THEN
                CASE WHEN coalesce(referral.responsible_service_id = ANY (caller_services()), false) THEN NULL ELSE 'withdrawal' END
            WHEN referral.route IN ('Self', 'Online', 'WalkIn') THEN 'choice' END
        -- The other referral must be one that goes on.
        WHEN 'Duplicate' THEN CASE WHEN NOT EXISTS (
            SELECT FROM referrals other LEFT JOIN episodes e ON e.id = other.episode_id
            WHERE other.id = NEW.duplicate_of AND other.person_id = referral.person_id AND other.id IS DISTINCT FROM referral.redirected_from
              AND (other.state = 'Open' OR (other.state = 'Accepted' AND e.state = 'Open')) FOR SHARE OF other) THEN 'duplicate' END
        -- Where there is a legal duty and nobody supports the person, choice alone does not suffice (rule 4).
        WHEN 'PersonChose' THEN CASE WHEN
            EXISTS (SELECT FROM legal_duties d WHERE d.person_id = referral.person_id AND d.ended_at IS NULL)
            AND NOT EXISTS (SELECT FROM episodes e WHERE e.person_id = referral.person_id AND e.state = 'Open') THEN 'acceptance' END
    END;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM030', MESSAGE = 'the outcome lacks something that rule 2 asks for', DETAIL = missing;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER outcome_allowed BEFORE INSERT ON referral_outcomes FOR EACH ROW EXECUTE FUNCTION outcome_allowed();

-- +goose StatementBegin
CREATE FUNCTION outcome_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    person uuid;
BEGIN
    IF NEW.kind = 'Died' THEN
        SELECT person_id INTO STRICT person FROM referrals WHERE id = NEW.referral_id;
        UPDATE people SET died_on = NEW.died_on, death_source = NEW.death_source WHERE id = person AND died_on IS NULL;
        UPDATE referrals SET state = 'Died', outcome_by = NEW.recorded_by, outcome_at = now() WHERE person_id = person AND state = 'Open';
    ELSE
        UPDATE referrals SET state = NEW.kind, outcome_by = NEW.recorded_by, outcome_at = now() WHERE id = NEW.referral_id;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER outcome_recorded AFTER INSERT ON referral_outcomes FOR EACH ROW EXECUTE FUNCTION outcome_recorded();

-- +goose StatementBegin
-- The next date of the latest step is the referral's, and it is listed once it has passed.
CREATE FUNCTION referral_reaching_step_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    referral referrals;
BEGIN
    UPDATE referrals SET reaching_next_on = NEW.next_on WHERE id = NEW.referral_id AND state = 'Open' RETURNING * INTO referral;
    IF referral.id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM002', MESSAGE = 'the referral has its outcome already';
    END IF;
    PERFORM meet_deadline(NEW.referral_id, 'ReachingNext');
    IF NEW.next_on IS NOT NULL THEN
        PERFORM set_deadline(referral.person_id, referral.responsible_service_id, 'ReachingNext', NEW.referral_id, NEW.next_on);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER referral_reaching_step_recorded AFTER INSERT ON referral_reaching_steps FOR EACH ROW EXECUTE FUNCTION referral_reaching_step_recorded();

-- Makes those who change a referral at once do so one after the other, and gives its state and version as they then are. Nothing is
-- locked, and there is no answer, unless a service of the caller is one of the referral's two.
CREATE FUNCTION lock_referral(p_referral uuid) RETURNS TABLE (state text, version bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT state, version FROM referrals
    WHERE id = p_referral AND ARRAY[service_id, responsible_service_id] && caller_services() FOR UPDATE
$$;
GRANT EXECUTE ON FUNCTION lock_referral TO cmhf_app;

ALTER TABLE referral_outcomes ENABLE ROW LEVEL SECURITY;
ALTER TABLE referral_reaching_steps ENABLE ROW LEVEL SECURITY;
ALTER TABLE outcome_refusals ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON referral_outcomes FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM referrals r WHERE r.id = referral_id));
CREATE POLICY visible ON referral_reaching_steps FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM referrals r WHERE r.id = referral_id));
-- The service to which the person is referred writes, and the one that is responsible.
CREATE POLICY record ON referral_outcomes FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject()
    AND EXISTS (SELECT FROM referrals r WHERE r.id = referral_id AND ARRAY[r.service_id, r.responsible_service_id] && (SELECT caller_services())::uuid[]));
CREATE POLICY record ON referral_reaching_steps FOR INSERT TO cmhf_app WITH CHECK (recorded_by = caller_subject()
    AND EXISTS (SELECT FROM referrals r WHERE r.id = referral_id AND r.state = 'Open'
                AND ARRAY[r.service_id, r.responsible_service_id] && (SELECT caller_services())::uuid[]));
CREATE POLICY own ON outcome_refusals FOR INSERT TO cmhf_app WITH CHECK (service_id = ANY ((SELECT caller_services())::uuid[]));

GRANT SELECT, INSERT (referral_id, kind, party_name, party_organisation, party_on, party_channel, told_how, capacity, duplicate_of,
                      died_on, death_source, recorded_by) ON referral_outcomes TO cmhf_app;
GRANT SELECT, INSERT (id, referral_id, kind, channel, happened_on, next_on, recorded_by) ON referral_reaching_steps TO cmhf_app;
GRANT INSERT (service_id, missing) ON outcome_refusals TO cmhf_app;

-- A person who was sent on and not accepted yet waits once, although two referrals are open.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION at_a_glance(p_from date, p_to date)
RETURNS TABLE (people_referred bigint, waiting bigint, open_episodes bigint, supported_closures bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT (SELECT count(DISTINCT coalesce(p.merged_into, p.id)) FROM referrals r JOIN people p ON p.id = r.person_id
            WHERE r.received_on BETWEEN p_from AND p_to AND r.state <> 'EnteredInError'),
           (SELECT count(*) FROM referrals WHERE state = 'Open' AND redirected_from IS NULL),
           (SELECT count(DISTINCT coalesce(p.merged_into, p.id)) FROM episodes e JOIN people p ON p.id = e.person_id WHERE e.state = 'Open' AND p.died_on IS NULL),
           (SELECT count(*) FROM closures c JOIN episodes e ON e.id = c.episode_id
            WHERE c.closed_on BETWEEN p_from AND p_to AND c.basis IN ('Acceptance', 'Choice') AND e.state <> 'EnteredInError')
    FROM directory_commit WHERE revision > 0
$$;
-- +goose StatementEnd
