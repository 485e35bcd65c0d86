-- +goose Up

-- What coordination, handovers, re-entry and plans have due stands among the deadlines, so that it is listed and escalated like the rest,
-- within the days that the ICS or the service has set itself.

-- Handovers go on to the ICS as escalate_handovers has it.
INSERT INTO deadline_kinds VALUES ('KeyWorker', 'Episode', 14), ('SafetyCheck', 'Episode', 7), ('PlanReview', 'Plan', 28),
    ('HandoverRoutine', 'Handover', 5), ('HandoverUrgent', 'Handover', 1), ('HandoverCrisis', 'Handover', 1);

-- +goose StatementBegin
CREATE FUNCTION episode_sets_deadlines() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.responsible_service_id <> OLD.responsible_service_id THEN -- who has taken the person over has everything else to see to as well
        PERFORM move_deadlines(NEW.id, NEW.responsible_service_id);
        PERFORM move_deadlines(id, NEW.responsible_service_id) FROM referrals WHERE episode_id = NEW.id;
        PERFORM move_deadlines(id, NEW.responsible_service_id) FROM plans WHERE episode_id = NEW.id;
    END IF;
    IF TG_OP = 'INSERT' OR NEW.key_worker_due_on IS DISTINCT FROM OLD.key_worker_due_on OR NEW.responsible_service_id <> OLD.responsible_service_id THEN
        PERFORM set_deadline(NEW.person_id, NEW.responsible_service_id, 'KeyWorker', NEW.id, NEW.key_worker_due_on);
    END IF;
    IF TG_OP = 'INSERT' AND NEW.safety_check_due_on IS NOT NULL THEN
        PERFORM set_deadline(NEW.person_id, NEW.responsible_service_id, 'SafetyCheck', NEW.id, NEW.safety_check_due_on);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER episode_sets_deadlines AFTER INSERT OR UPDATE OF responsible_service_id, key_worker_due_on ON episodes
    FOR EACH ROW WHEN (NEW.state = 'Open') EXECUTE FUNCTION episode_sets_deadlines();

-- +goose StatementBegin
-- The trigger's argument is what was due.
CREATE FUNCTION episode_deadline_met() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM meet_deadline(NEW.episode_id, TG_ARGV[0]);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER episode_deadline_met AFTER INSERT ON key_workers   FOR EACH ROW EXECUTE FUNCTION episode_deadline_met('KeyWorker');
CREATE TRIGGER episode_deadline_met AFTER INSERT ON safety_checks FOR EACH ROW EXECUTE FUNCTION episode_deadline_met('SafetyCheck');

-- +goose StatementBegin
-- The receiver answers; for one outside the directory, the sender sees to it. A death ends the offer for good, whatever becomes of the death.
CREATE FUNCTION handover_deadlines() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM set_deadline(NEW.person_id, coalesce(NEW.to_service_id, NEW.from_service_id), 'Handover' || NEW.urgency, NEW.id, NEW.answer_due_on);
    ELSIF NEW.state IN ('Accepted', 'Declined') THEN
        PERFORM meet_deadline(NEW.id, 'Handover' || NEW.urgency);
    ELSE
        PERFORM drop_deadlines(NEW.id);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER handover_deadlines AFTER INSERT ON handovers FOR EACH ROW EXECUTE FUNCTION handover_deadlines();
CREATE TRIGGER handover_deadlines_end AFTER UPDATE ON handovers FOR EACH ROW WHEN (OLD.state = 'Offered' AND NEW.state <> 'Offered') EXECUTE FUNCTION handover_deadlines();

-- +goose StatementBegin
-- A review is done by the next version.
CREATE FUNCTION plan_deadlines() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    CASE NEW.state
    WHEN 'InForce' THEN
        PERFORM set_deadline(NEW.person_id, e.responsible_service_id, 'PlanReview', NEW.id, NEW.review_on) FROM episodes e WHERE e.id = NEW.episode_id;
    WHEN 'Superseded' THEN
        PERFORM meet_deadline(NEW.id, 'PlanReview');
    ELSE
        PERFORM drop_deadlines(NEW.id);
    END CASE;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER plan_deadlines AFTER UPDATE ON plans FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION plan_deadlines();

-- +goose StatementBegin
-- As before, for everything that belongs to the episode, and when it was entered in error too.
CREATE OR REPLACE FUNCTION closing_drops_deadlines() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.state = 'EnteredInError' OR NOT EXISTS (SELECT FROM closures WHERE episode_id = NEW.id AND basis = 'Death') THEN
        PERFORM drop_deadlines(NEW.id);
        PERFORM drop_deadlines(id) FROM referrals WHERE episode_id = NEW.id;
        PERFORM drop_deadlines(id) FROM plans WHERE episode_id = NEW.id;
        PERFORM drop_deadlines(id) FROM handovers WHERE episode_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
DROP TRIGGER closing_drops_deadlines ON episodes;
CREATE TRIGGER closing_drops_deadlines AFTER UPDATE OF state ON episodes FOR EACH ROW
    WHEN (OLD.state = 'Open' AND NEW.state IN ('Closed', 'EnteredInError')) EXECUTE FUNCTION closing_drops_deadlines();

-- What is due already.
SELECT set_deadline(e.person_id, e.responsible_service_id, 'KeyWorker', e.id, e.key_worker_due_on) FROM episodes e
WHERE e.state = 'Open' AND e.key_worker_due_on IS NOT NULL AND NOT EXISTS (SELECT FROM key_workers k WHERE k.episode_id = e.id AND k.until IS NULL);
SELECT set_deadline(e.person_id, e.responsible_service_id, 'SafetyCheck', e.id, e.safety_check_due_on) FROM episodes e
WHERE e.state = 'Open' AND e.safety_check_due_on IS NOT NULL AND NOT EXISTS (SELECT FROM safety_checks c WHERE c.episode_id = e.id);
SELECT set_deadline(h.person_id, coalesce(h.to_service_id, h.from_service_id), 'Handover' || h.urgency, h.id, h.answer_due_on) FROM handovers h WHERE h.state = 'Offered';
SELECT set_deadline(p.person_id, e.responsible_service_id, 'PlanReview', p.id, p.review_on) FROM plans p JOIN episodes e ON e.id = p.episode_id
WHERE p.state = 'InForce' AND e.state = 'Open';
