-- +goose Up

-- The organisation of a partner's practitioner or officer, as the token says: its ODS code, or its name where it has none. Nobody else has one.
CREATE FUNCTION caller_organisation() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('cmhf.organisation', true), '');
GRANT EXECUTE ON FUNCTION caller_organisation TO cmhf_app;

-- A person moves up, down or sideways: to another service of the directory, or to an organisation outside it. The sender stays responsible
-- until the receiver accepts. Accepted is not arrived: that is the first attended contact.
CREATE TABLE handovers (
    id                     uuid PRIMARY KEY,
    person_id              uuid NOT NULL,
    episode_id             uuid NOT NULL,
    from_service_id        uuid NOT NULL REFERENCES services,
    to_service_id          uuid REFERENCES services,
    to_organisation        text CHECK (length(btrim(to_organisation)) BETWEEN 1 AND 200),
    to_ods_code            text CHECK (to_ods_code ~ '^[A-Z0-9]{3,10}$'),
    direction              text NOT NULL CHECK (direction IN ('Up', 'Down', 'Sideways')),
    urgency                text NOT NULL CHECK (urgency IN ('Routine', 'Urgent', 'Crisis')),
    reason                 text NOT NULL CHECK (length(btrim(reason)) BETWEEN 1 AND 4000),
    summary                text NOT NULL CHECK (length(btrim(summary)) BETWEEN 1 AND 8000),
    -- The crisis step-up that this offer would relieve its receiver of.
    transfer_of            uuid REFERENCES handovers,
    state                  text NOT NULL DEFAULT 'Offered' CHECK (state IN ('Offered', 'Accepted', 'Declined', 'Withdrawn', 'Died')),
    offered_by             text NOT NULL,
    offered_at             timestamptz NOT NULL DEFAULT now(),
    answer_due_on          date NOT NULL,
    escalated_to           text CHECK (escalated_to IN ('ServiceLead', 'ICS')),
    escalated_at           timestamptz,
    outcome_by             text,
    outcome_at             timestamptz,
    accepted_as            text CHECK (accepted_as IN ('Receiver', 'OnBehalf')),
    accepted_name          text CHECK (length(btrim(accepted_name)) BETWEEN 1 AND 200),
    accepted_organisation  text CHECK (length(btrim(accepted_organisation)) BETWEEN 1 AND 200),
    accepted_on            date,
    accepted_channel       text CHECK (accepted_channel IN ('InPerson', 'Phone', 'Email', 'Letter', 'System')),
    decline_reason         text CHECK (length(btrim(decline_reason)) BETWEEN 1 AND 2000),
    alternative_service_id uuid REFERENCES services,
    alternative            text CHECK (length(btrim(alternative)) BETWEEN 1 AND 1000),
    arrived_on             date,
    arrived_by             text,
    -- Until when the practitioners of the receiving organisation see it; null while it concerns them.
    partner_sees_until     timestamptz,
    version                bigint NOT NULL DEFAULT 1,
    updated_at             timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (episode_id, person_id) REFERENCES episodes (id, person_id),
    CONSTRAINT one_receiver CHECK ((to_service_id IS NULL) <> (to_organisation IS NULL) AND (to_ods_code IS NULL OR to_organisation IS NOT NULL)),
    CONSTRAINT receiver_is_another CHECK (to_service_id <> from_service_id),
    CONSTRAINT answered CHECK ((state = 'Offered') = (outcome_at IS NULL) AND (outcome_at IS NULL) = (outcome_by IS NULL)),
    CONSTRAINT named_acceptance CHECK (state <> 'Accepted' OR (accepted_as IS NOT NULL AND accepted_on IS NOT NULL
        AND (to_service_id IS NOT NULL OR (accepted_name IS NOT NULL AND accepted_organisation IS NOT NULL AND accepted_channel IS NOT NULL)))),
    CONSTRAINT decline_names_alternative CHECK (state <> 'Declined'
        OR (decline_reason IS NOT NULL AND (alternative_service_id IS NOT NULL OR alternative IS NOT NULL))),
    CONSTRAINT only_accepted_arrive CHECK (arrived_on IS NULL OR (state = 'Accepted' AND arrived_by IS NOT NULL AND arrived_on >= accepted_on))
);
CREATE UNIQUE INDEX handovers_one_offer ON handovers (episode_id, to_service_id) WHERE state = 'Offered';
CREATE UNIQUE INDEX handovers_one_offer_outside ON handovers (episode_id, lower(to_organisation)) WHERE state = 'Offered';
CREATE INDEX handovers_incoming ON handovers (to_service_id, offered_at DESC, id DESC);
CREATE INDEX handovers_outgoing ON handovers (from_service_id, offered_at DESC, id DESC);
CREATE INDEX handovers_partner ON handovers (to_ods_code, offered_at DESC, id DESC) WHERE to_ods_code IS NOT NULL;
CREATE INDEX handovers_episode ON handovers (episode_id);
CREATE INDEX handovers_person ON handovers (person_id);
CREATE INDEX handovers_transfer ON handovers (transfer_of) WHERE transfer_of IS NOT NULL;
CREATE INDEX handovers_unanswered ON handovers (answer_due_on) WHERE state = 'Offered';
INSERT INTO record_tables VALUES ('handovers');

-- One service at most sees a person as the one responsible for an episode.
CREATE UNIQUE INDEX person_access_one_responsible ON person_access (source_id) WHERE why = 'Episode' AND until IS NULL;

-- Errors of this file:
--   CM040 a handover was offered or answered against the rules    CM041 the receiver supports the person in an episode of its own
--   CM042 a crisis step-up is declined only with a live transfer
-- Locks are taken in one order: the episode, then its handovers.

-- +goose StatementBegin
CREATE FUNCTION receiver_can_take(p_service uuid, p_person uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (SELECT state FROM services WHERE id = p_service FOR SHARE) = 'Closing' THEN
        RAISE EXCEPTION USING ERRCODE = 'CM001', MESSAGE = 'the service takes nobody new';
    END IF;
    IF EXISTS (SELECT FROM episodes WHERE person_id = p_person AND responsible_service_id = p_service AND state = 'Open') THEN
        RAISE EXCEPTION USING ERRCODE = 'CM041', MESSAGE = 'the service supports the person in an episode of its own';
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION handover_offered() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    relieves handovers;
BEGIN
    SELECT responsible_service_id INTO STRICT NEW.from_service_id FROM episodes WHERE id = NEW.episode_id; -- locked and open, see begins_in_open_episode
    NEW.state := 'Offered';
    NEW.offered_by := caller_subject();
    NEW.offered_at := now();
    IF NEW.transfer_of IS NOT NULL THEN
        SELECT * INTO relieves FROM handovers WHERE id = NEW.transfer_of FOR UPDATE;
        IF NOT FOUND OR relieves.state <> 'Offered' OR relieves.episode_id <> NEW.episode_id OR relieves.direction <> 'Up' OR relieves.urgency <> 'Crisis'
           OR relieves.to_service_id IS NOT DISTINCT FROM NEW.to_service_id AND NEW.to_service_id IS NOT NULL
           OR NOT coalesce(relieves.to_service_id = ANY (caller_services()), false) AND NOT coalesce(NEW.from_service_id = ANY (caller_services()), false) THEN
            RAISE EXCEPTION USING ERRCODE = 'CM040', MESSAGE = 'only an open crisis step-up is passed on, by its receiver or its sender';
        END IF;
        NEW.direction := relieves.direction;
        NEW.urgency := relieves.urgency;
    ELSIF NOT coalesce(NEW.from_service_id = ANY (caller_services()), false) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM040', MESSAGE = 'only the responsible service hands a person over';
    END IF;
    IF NEW.to_service_id IS NOT NULL THEN
        PERFORM receiver_can_take(NEW.to_service_id, NEW.person_id);
    END IF;
    NEW.answer_due_on := (now() AT TIME ZONE 'Europe/London')::date
        + CASE NEW.urgency WHEN 'Routine' THEN standard_of(NEW.from_service_id, 'HandoverAnswerDays') WHEN 'Urgent' THEN 1 ELSE 0 END;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER begins_in_open_episode BEFORE INSERT ON handovers FOR EACH ROW EXECUTE FUNCTION begins_in_open_episode();
CREATE TRIGGER handover_offered BEFORE INSERT ON handovers FOR EACH ROW EXECUTE FUNCTION handover_offered();

-- +goose StatementBegin
CREATE FUNCTION handover_gives_access() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO person_access (person_id, service_id, why, source_id)
    SELECT NEW.person_id, NEW.to_service_id, 'HandoverOffered', NEW.id WHERE NEW.to_service_id IS NOT NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER handover_gives_access AFTER INSERT ON handovers FOR EACH ROW EXECUTE FUNCTION handover_gives_access();

-- +goose StatementBegin
CREATE FUNCTION handover_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    today date := (now() AT TIME ZONE 'Europe/London')::date;
    receives boolean := coalesce(OLD.to_service_id = ANY (caller_services()) OR OLD.to_ods_code = caller_organisation(), false);
    sends boolean := coalesce(OLD.from_service_id = ANY (caller_services()), false);
    passed_on boolean;
    episode episodes;
BEGIN
    IF (NEW.id, NEW.person_id, NEW.episode_id, NEW.from_service_id, NEW.to_service_id, NEW.to_organisation, NEW.to_ods_code, NEW.direction, NEW.urgency,
        NEW.reason, NEW.summary, NEW.transfer_of, NEW.offered_by, NEW.offered_at, NEW.answer_due_on)
       IS DISTINCT FROM (OLD.id, OLD.person_id, OLD.episode_id, OLD.from_service_id, OLD.to_service_id, OLD.to_organisation, OLD.to_ods_code, OLD.direction, OLD.urgency,
        OLD.reason, OLD.summary, OLD.transfer_of, OLD.offered_by, OLD.offered_at, OLD.answer_due_on) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM040', MESSAGE = 'what was offered stays as it was offered';
    END IF;
    IF NEW.state = OLD.state THEN
        IF (NEW.accepted_as, NEW.accepted_name, NEW.accepted_organisation, NEW.accepted_on, NEW.accepted_channel, NEW.decline_reason, NEW.alternative_service_id, NEW.alternative)
           IS DISTINCT FROM (OLD.accepted_as, OLD.accepted_name, OLD.accepted_organisation, OLD.accepted_on, OLD.accepted_channel, OLD.decline_reason, OLD.alternative_service_id, OLD.alternative)
           OR NEW.arrived_on IS DISTINCT FROM OLD.arrived_on AND (OLD.arrived_on IS NOT NULL OR NEW.arrived_on > today) THEN
            RAISE EXCEPTION USING ERRCODE = 'CM040', MESSAGE = 'an answer stays as it was given, and a person arrives once';
        END IF;
        IF NEW.arrived_on IS DISTINCT FROM OLD.arrived_on THEN
            IF caller_subject() IS NOT NULL AND NOT receives AND NOT (sends AND OLD.to_service_id IS NULL) THEN
                RAISE EXCEPTION USING ERRCODE = 'CM040', MESSAGE = 'the receiver says that the person has arrived';
            END IF;
            NEW.arrived_by := coalesce(caller_subject(), 'database');
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state <> 'Offered' OR NEW.arrived_on IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM040', MESSAGE = 'a handover is answered once';
    END IF;
    NEW.outcome_at := now();
    NEW.outcome_by := coalesce(caller_subject(), 'database');
    IF NEW.state <> 'Accepted' THEN
        NEW.partner_sees_until := now() + interval '90 days';
    END IF;
    CASE NEW.state
    WHEN 'Accepted' THEN
        SELECT * INTO STRICT episode FROM episodes WHERE id = OLD.episode_id FOR UPDATE;
        -- A general practice or a charity may have no account: the sender, or who passes a crisis on, records its acceptance.
        IF NOT receives AND (OLD.to_service_id IS NOT NULL OR NOT sends AND NOT EXISTS (
            SELECT FROM handovers h WHERE h.id = OLD.transfer_of AND h.to_service_id = ANY (caller_services()))) THEN
            RAISE EXCEPTION USING ERRCODE = 'CM040', MESSAGE = 'only the receiver accepts';
        END IF;
        NEW.accepted_as := CASE WHEN receives THEN 'Receiver' ELSE 'OnBehalf' END;
        IF receives THEN
            NEW.accepted_on := today;
            NEW.accepted_channel := 'System';
        END IF;
        IF NEW.accepted_on NOT BETWEEN (OLD.offered_at AT TIME ZONE 'Europe/London')::date AND today THEN
            RAISE EXCEPTION USING ERRCODE = 'CM040', MESSAGE = 'the acceptance lies between the offer and today';
        END IF;
        IF episode.state <> 'Open' OR episode.responsible_service_id <> OLD.from_service_id THEN
            RAISE EXCEPTION USING ERRCODE = 'CM003', MESSAGE = 'the episode is no longer the sender''s';
        END IF;
        IF (SELECT died_on FROM people WHERE id = OLD.person_id) IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'CM005', MESSAGE = 'the person has died';
        END IF;
        IF OLD.to_service_id IS NOT NULL THEN
            PERFORM receiver_can_take(OLD.to_service_id, OLD.person_id);
        END IF;
    WHEN 'Declined' THEN
        passed_on := EXISTS (SELECT FROM handovers h WHERE h.transfer_of = OLD.id AND h.state = 'Accepted');
        IF NOT passed_on AND OLD.direction = 'Up' AND OLD.urgency = 'Crisis' THEN
            RAISE EXCEPTION USING ERRCODE = 'CM042', MESSAGE = 'a crisis step-up is declined only when another service has accepted it';
        END IF;
        IF NOT passed_on AND NOT receives AND NOT (sends AND OLD.to_service_id IS NULL) OR NEW.alternative_service_id = OLD.to_service_id THEN
            RAISE EXCEPTION USING ERRCODE = 'CM040', MESSAGE = 'only the receiver declines, and names another way';
        END IF;
    WHEN 'Withdrawn' THEN
        IF NOT sends AND EXISTS (SELECT FROM episodes e WHERE e.id = OLD.episode_id AND e.responsible_service_id = OLD.from_service_id AND e.state = 'Open') THEN
            RAISE EXCEPTION USING ERRCODE = 'CM040', MESSAGE = 'only the sender withdraws';
        END IF;
    WHEN 'Died' THEN
        IF (SELECT died_on FROM people WHERE id = OLD.person_id) IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'CM040', MESSAGE = 'no death is recorded';
        END IF;
    END CASE;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER handover_changed BEFORE UPDATE ON handovers FOR EACH ROW EXECUTE FUNCTION handover_changed();
CREATE TRIGGER next_version BEFORE UPDATE ON handovers FOR EACH ROW EXECUTE FUNCTION next_version();

-- +goose StatementBegin
-- An acceptance within the directory makes the receiver responsible in the same moment; from an organisation outside, it is what the
-- sender's closure may rest on.
CREATE FUNCTION handover_answered() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    today date := (now() AT TIME ZONE 'Europe/London')::date;
BEGIN
    IF NEW.state <> 'Accepted' THEN
        UPDATE person_access SET until = now() + interval '90 days' WHERE source_id = NEW.id AND until IS NULL;
        RETURN NULL;
    END IF;
    IF NEW.to_service_id IS NOT NULL THEN
        -- The sender's access by the episode becomes one by the handover, so that it can see whether the person arrived.
        UPDATE person_access SET why = 'HandoverSent', source_id = NEW.id
        WHERE source_id = NEW.episode_id AND service_id = NEW.from_service_id AND why = 'Episode';
        UPDATE person_access SET until = now() WHERE source_id = NEW.id AND service_id = NEW.to_service_id;
        INSERT INTO person_access (person_id, service_id, why, source_id) VALUES (NEW.person_id, NEW.to_service_id, 'Episode', NEW.episode_id);
        UPDATE episodes SET responsible_service_id = NEW.to_service_id, key_worker_due_on = today + standard_of(NEW.to_service_id, 'KeyWorkerDays')
        WHERE id = NEW.episode_id;
        UPDATE key_workers SET until = today, ended_by = NEW.outcome_by WHERE episode_id = NEW.episode_id AND until IS NULL;
    END IF;
    UPDATE handovers SET state = 'Declined', decline_reason = 'Passed on as a live transfer.',
                         alternative_service_id = NEW.to_service_id, alternative = NEW.to_organisation
    WHERE id = NEW.transfer_of AND state = 'Offered';
    IF NEW.to_service_id IS NOT NULL THEN
        UPDATE handovers SET state = 'Withdrawn' WHERE episode_id = NEW.episode_id AND state = 'Offered';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER handover_answered AFTER UPDATE ON handovers FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION handover_answered();
CREATE TRIGGER staff_seen AFTER INSERT OR UPDATE ON handovers FOR EACH STATEMENT EXECUTE FUNCTION staff_seen();

-- +goose StatementBegin
CREATE FUNCTION handover_completed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE person_access SET until = now() + interval '90 days' WHERE source_id = NEW.id AND why = 'HandoverSent' AND until IS NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER handover_completed AFTER UPDATE ON handovers FOR EACH ROW
    WHEN (OLD.arrived_on IS NULL AND NEW.arrived_on IS NOT NULL) EXECUTE FUNCTION handover_completed();

-- +goose StatementBegin
-- Whatever changes an episode: its responsible service changes by an acceptance, in the same transaction, and in no other way.
CREATE FUNCTION episode_moves_by_handover() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM handovers h WHERE h.episode_id = NEW.id AND h.from_service_id = OLD.responsible_service_id
                   AND h.to_service_id = NEW.responsible_service_id AND h.state = 'Accepted' AND h.outcome_at = now()) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM040', MESSAGE = 'an episode moves by an accepted handover only';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER episode_moves_by_handover BEFORE UPDATE ON episodes FOR EACH ROW
    WHEN (OLD.responsible_service_id <> NEW.responsible_service_id) EXECUTE FUNCTION episode_moves_by_handover();

-- Whether the caller sends, receives or passes on.
CREATE FUNCTION caller_is_party(p_handover uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM handovers h LEFT JOIN handovers relieved ON relieved.id = h.transfer_of WHERE h.id = p_handover
                   AND (h.from_service_id = ANY (caller_services()) OR h.to_service_id = ANY (caller_services())
                        OR relieved.to_service_id = ANY (caller_services())
                        OR (h.to_ods_code = caller_organisation() AND (h.partner_sees_until IS NULL OR h.partner_sees_until > now()))))
$$;

-- +goose StatementBegin
-- Locks a handover, after its episode, for those who may answer it, and gives the state that is then current.
CREATE FUNCTION lock_handover(p_handover uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT caller_is_party(p_handover) THEN RETURN NULL; END IF;
    PERFORM FROM episodes WHERE id = (SELECT episode_id FROM handovers WHERE id = p_handover) FOR UPDATE;
    RETURN (SELECT state FROM handovers WHERE id = p_handover FOR UPDATE);
END $$;
-- +goose StatementEnd

-- Whether the episode goes on, for a receiver outside the directory, who does not see it.
CREATE FUNCTION handover_episode_open(p_handover uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.state = 'Open' FROM handovers h JOIN episodes e ON e.id = h.episode_id WHERE h.id = p_handover
$$;

-- Who it is about, for a receiver outside the directory, who sees nothing else of the record.
CREATE FUNCTION handover_person(p_handover uuid)
RETURNS TABLE (family_name text, given_name text, birth_date date, nhs_number text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.family_name, p.given_name, p.birth_date, p.nhs_number FROM handovers h JOIN people p ON p.id = h.person_id
    WHERE h.id = p_handover AND caller_is_party(p_handover)
$$;

-- +goose StatementBegin
-- The first attended contact after an acceptance ends the wait for the person's arrival. Whoever records contacts calls it.
CREATE FUNCTION handover_arrived(p_person uuid, p_service uuid, p_on date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- Looking first: most contacts are no arrival, and an update of no row costs its statement's triggers all the same.
    IF EXISTS (SELECT FROM handovers WHERE person_id = p_person AND to_service_id = p_service AND state = 'Accepted' AND arrived_on IS NULL) THEN
        UPDATE handovers SET arrived_on = p_on
        WHERE person_id = p_person AND to_service_id = p_service AND state = 'Accepted' AND arrived_on IS NULL AND p_on >= accepted_on;
    END IF;
END $$;
-- +goose StatementEnd

-- Unanswered offers go to the receiving service's lead, and from there to the ICS. Gives how many went on.
CREATE FUNCTION escalate_handovers() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH late AS (
        SELECT id, CASE WHEN (now() AT TIME ZONE 'Europe/London')::date > answer_due_on + CASE urgency WHEN 'Routine' THEN 5 ELSE 1 END
                        THEN 'ICS' ELSE 'ServiceLead' END AS wanted
        FROM handovers WHERE state = 'Offered' AND answer_due_on < (now() AT TIME ZONE 'Europe/London')::date),
    gone_on AS (
        UPDATE handovers h SET escalated_to = late.wanted, escalated_at = now() FROM late
        WHERE h.id = late.id AND h.state = 'Offered' AND h.escalated_to IS DISTINCT FROM late.wanted RETURNING 1)
    SELECT count(*) FROM gone_on
$$;
GRANT EXECUTE ON FUNCTION caller_is_party, lock_handover, handover_episode_open, handover_person, escalate_handovers TO cmhf_app;

ALTER TABLE handovers ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON handovers FOR SELECT TO cmhf_app
    USING (EXISTS (SELECT FROM people p WHERE p.id = handovers.person_id)
           OR (to_ods_code = (SELECT caller_organisation()) AND (partner_sees_until IS NULL OR partner_sees_until > now())));
CREATE POLICY offer ON handovers FOR INSERT TO cmhf_app
    WITH CHECK (offered_by = caller_subject() AND EXISTS (SELECT FROM people p WHERE p.id = handovers.person_id));
CREATE POLICY answer ON handovers FOR UPDATE TO cmhf_app USING (caller_is_party(id)) WITH CHECK (caller_is_party(id));

GRANT SELECT, INSERT (id, person_id, episode_id, to_service_id, to_organisation, to_ods_code, direction, urgency, reason, summary, transfer_of),
      UPDATE (state, accepted_name, accepted_organisation, accepted_on, accepted_channel, decline_reason, alternative_service_id, alternative, arrived_on)
      ON handovers TO cmhf_app;
