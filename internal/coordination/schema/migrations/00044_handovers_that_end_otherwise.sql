-- +goose Up

-- What a death, a closure and a retraction mean for handovers. Error of this file: CM046 an offer is open that must be answered or withdrawn first.

-- +goose StatementBegin
CREATE FUNCTION death_ends_handovers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE handovers SET state = 'Died' WHERE person_id = NEW.id AND state = 'Offered';
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER death_ends_handovers AFTER UPDATE ON people FOR EACH ROW
    WHEN (OLD.died_on IS NULL AND NEW.died_on IS NOT NULL) EXECUTE FUNCTION death_ends_handovers();

-- The acceptance of an organisation outside the directory, given in a handover, is one on which a closure may rest.
ALTER TABLE closures ADD COLUMN handover_id uuid REFERENCES handovers;
GRANT INSERT (handover_id) ON closures TO cmhf_app;

-- +goose StatementBegin
CREATE FUNCTION closure_and_handovers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    accepted handovers;
BEGIN
    IF NEW.basis <> 'Death' AND EXISTS (SELECT FROM handovers h WHERE h.episode_id = NEW.episode_id AND h.state = 'Offered') THEN
        RAISE EXCEPTION USING ERRCODE = 'CM046', MESSAGE = 'a handover of the episode is not answered';
    END IF;
    IF NEW.handover_id IS NOT NULL THEN
        SELECT * INTO accepted FROM handovers h WHERE h.id = NEW.handover_id AND h.episode_id = NEW.episode_id AND h.state = 'Accepted' AND h.to_service_id IS NULL;
        IF NOT FOUND OR NEW.basis <> 'Acceptance' THEN
            RAISE EXCEPTION USING ERRCODE = 'CM004', MESSAGE = 'no acceptance from outside the directory is recorded under this handover', DETAIL = 'acceptance';
        END IF;
        NEW.recorded_as := 'OnBehalf'; -- what the receiver said stands in the handover; the sender carries it into the closure
        NEW.receiver_name := accepted.accepted_name;
        NEW.receiver_organisation := accepted.accepted_organisation;
        NEW.agreed_on := accepted.accepted_on;
        NEW.channel := accepted.accepted_channel;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER closure_and_handovers BEFORE INSERT ON closures FOR EACH ROW EXECUTE FUNCTION closure_and_handovers(); -- after closure_allowed, which locks the episode

-- +goose StatementBegin
CREATE FUNCTION closure_ends_handovers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE person_access a SET until = now() + interval '90 days' FROM handovers h
    WHERE h.episode_id = NEW.episode_id AND a.source_id = h.id AND a.why = 'HandoverSent' AND a.until IS NULL;
    UPDATE handovers SET partner_sees_until = now() + interval '90 days' WHERE episode_id = NEW.episode_id AND partner_sees_until IS NULL AND to_ods_code IS NOT NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER closure_ends_handovers AFTER INSERT ON closures FOR EACH ROW EXECUTE FUNCTION closure_ends_handovers();

-- +goose StatementBegin
-- An episode opens again when the death that closed it was none. What had been accepted goes on; offers stay ended.
CREATE FUNCTION handovers_go_on() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE person_access a SET until = NULL FROM handovers h
    WHERE h.episode_id = NEW.id AND h.state = 'Accepted' AND h.arrived_on IS NULL AND a.source_id = h.id AND a.why = 'HandoverSent';
    UPDATE handovers SET partner_sees_until = NULL WHERE episode_id = NEW.id AND state = 'Accepted' AND to_ods_code IS NOT NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER handovers_go_on AFTER UPDATE OF state ON episodes FOR EACH ROW
    WHEN (OLD.state = 'Closed' AND NEW.state = 'Open') EXECUTE FUNCTION handovers_go_on();

-- +goose StatementBegin
-- An episode that was entered in error hands nobody over: whoever saw the person through an offer, answered or not, sees them no more.
CREATE FUNCTION retraction_ends_handovers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE handovers SET state = 'Withdrawn' WHERE episode_id = NEW.id AND state = 'Offered';
    UPDATE handovers SET partner_sees_until = now()
    WHERE episode_id = NEW.id AND to_ods_code IS NOT NULL AND (partner_sees_until IS NULL OR partner_sees_until > now());
    UPDATE person_access a SET until = now() FROM handovers h
    WHERE h.episode_id = NEW.id AND a.source_id = h.id AND (a.until IS NULL OR a.until > now());
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER retraction_ends_handovers AFTER UPDATE OF state ON episodes FOR EACH ROW
    WHEN (OLD.state <> 'EnteredInError' AND NEW.state = 'EnteredInError') EXECUTE FUNCTION retraction_ends_handovers();

-- +goose StatementBegin
-- As before; who has read a handover has read of the episode, the name and the number of the person included.
CREATE OR REPLACE FUNCTION readers_of(p_person uuid, p_resource uuid)
RETURNS TABLE (subject text, clients text[], roles text[], services text[], times bigint, first_at timestamptz, last_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH readings AS (
        SELECT e.* FROM audit_events e
        WHERE e.person_id = p_person AND e.outcome = 'Done'
          AND (e.resource_id = p_resource OR e.resource_id IN (SELECT h.id FROM handovers h WHERE h.episode_id = p_resource)))
    SELECT e.subject, array_agg(DISTINCT e.client), array_agg(DISTINCT e.role),
           ARRAY(SELECT DISTINCT s.name FROM readings o JOIN services s ON s.id = ANY (o.services) WHERE o.subject = e.subject ORDER BY s.name),
           count(*), min(e.at), max(e.at)
    FROM readings e GROUP BY e.subject ORDER BY min(e.at)
$$;
-- +goose StatementEnd
