-- +goose Up

-- A handover of an episode that was entered in error is in error, too: nobody arrives by it any more, and subscribers are told to forget it.
ALTER TABLE handovers ADD COLUMN entered_in_error_at timestamptz;
GRANT SELECT (entered_in_error_at) ON handovers TO cmhf_app;
SELECT follow_table('handovers');

-- +goose StatementBegin
-- Comes after handover_changed, which lets an organisation outside go on seeing an offer that it did not take.
CREATE FUNCTION handover_in_error() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.entered_in_error_at IS NULL THEN
        NEW.partner_sees_until := CASE WHEN NEW.to_ods_code IS NOT NULL THEN least(NEW.partner_sees_until, now()) END;
    ELSIF NEW.entered_in_error_at IS DISTINCT FROM OLD.entered_in_error_at OR NEW.state <> OLD.state OR NEW.arrived_on IS DISTINCT FROM OLD.arrived_on THEN
        RAISE EXCEPTION USING ERRCODE = 'CM040', MESSAGE = 'the handover''s episode was entered in error';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER handover_in_error BEFORE UPDATE ON handovers FOR EACH ROW
    WHEN (OLD.entered_in_error_at IS NOT NULL OR NEW.entered_in_error_at IS NOT NULL) EXECUTE FUNCTION handover_in_error();

-- +goose StatementBegin
-- As before, in one change of each handover, which the change feed tells of as a retraction.
CREATE OR REPLACE FUNCTION retraction_ends_handovers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE handovers SET entered_in_error_at = now(), state = CASE state WHEN 'Offered' THEN 'Withdrawn' ELSE state END WHERE episode_id = NEW.id;
    UPDATE person_access a SET until = now() FROM handovers h
    WHERE h.episode_id = NEW.id AND a.source_id = h.id AND (a.until IS NULL OR a.until > now());
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- As before; by a handover in error nobody arrives.
CREATE OR REPLACE FUNCTION handover_arrived(p_person uuid, p_service uuid, p_on date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- Looking first: most contacts are no arrival, and an update of no row costs its statement's triggers all the same.
    IF EXISTS (SELECT FROM handovers WHERE person_id = p_person AND to_service_id = p_service AND state = 'Accepted' AND arrived_on IS NULL
               AND entered_in_error_at IS NULL) THEN
        UPDATE handovers SET arrived_on = p_on
        WHERE person_id = p_person AND to_service_id = p_service AND state = 'Accepted' AND arrived_on IS NULL AND p_on >= accepted_on
          AND entered_in_error_at IS NULL;
    END IF;
END $$;
-- +goose StatementEnd

UPDATE handovers h SET entered_in_error_at = x.retracted_at FROM retractions x WHERE x.resource_id = h.episode_id AND x.kind = 'Episode';
