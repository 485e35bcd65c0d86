-- +goose Up

-- What helps a person in a crisis, in their own order. It belongs to the person and to no episode, counts from the moment it is saved,
-- and waits for nobody's agreement. Each saving is a row of its own; the newest that is not marked as mistaken counts.
CREATE TABLE safety_plans (
    id                   uuid PRIMARY KEY,
    person_id            uuid NOT NULL REFERENCES people,
    service_id           uuid NOT NULL REFERENCES services,
    edition              integer NOT NULL,
    warning_signs        text CHECK (length(btrim(warning_signs)) BETWEEN 1 AND 4000),
    own_coping           text CHECK (length(btrim(own_coping)) BETWEEN 1 AND 4000),
    people_who_help      text CHECK (length(btrim(people_who_help)) BETWEEN 1 AND 4000),
    services_to_call     text CHECK (length(btrim(services_to_call)) BETWEEN 1 AND 4000),
    means_safety         text CHECK (length(btrim(means_safety)) BETWEEN 1 AND 4000),
    reasons_for_living   text CHECK (length(btrim(reasons_for_living)) BETWEEN 1 AND 4000),
    made_with_person     boolean NOT NULL,
    recorded_by          text NOT NULL,
    recorded_at          timestamptz NOT NULL DEFAULT now(),
    entered_in_error_at  timestamptz,
    entered_in_error_by  text,
    entered_in_error_why text CHECK (entered_in_error_why IN ('WrongPerson', 'WrongDetails', 'Duplicate', 'NeverHappened')),
    version              bigint NOT NULL DEFAULT 1,
    updated_at           timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT says_something CHECK (num_nonnulls(warning_signs, own_coping, people_who_help, services_to_call, means_safety, reasons_for_living) > 0),
    CONSTRAINT marked_whole CHECK (num_nulls(entered_in_error_at, entered_in_error_by, entered_in_error_why) IN (0, 3))
);
CREATE INDEX safety_plans_person ON safety_plans (person_id, recorded_at DESC, id DESC);
INSERT INTO record_tables VALUES ('safety_plans');

-- +goose StatementBegin
-- The lock on the person has those who save at once do so one after the other: both are kept, and the later counts.
CREATE FUNCTION safety_plan_saved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    canonical uuid;
BEGIN
    -- What is saved for a merged record is saved for the canonical one. canonical_person() would share the lock first, which nobody gets alone then.
    SELECT merged_into INTO canonical FROM people WHERE id = NEW.person_id FOR NO KEY UPDATE;
    NEW.person_id := coalesce(canonical, NEW.person_id);
    IF (SELECT died_on FROM people WHERE id = NEW.person_id FOR NO KEY UPDATE) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CM005', MESSAGE = 'the person has died';
    END IF;
    NEW.recorded_at := clock_timestamp(); -- of the saving, not of the wait for the lock
    SELECT coalesce(max(edition), 0) + 1 INTO NEW.edition FROM safety_plans WHERE person_id IN (SELECT records_of(NEW.person_id));
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER safety_plan_saved BEFORE INSERT ON safety_plans FOR EACH ROW EXECUTE FUNCTION safety_plan_saved();
CREATE TRIGGER marked_in_error BEFORE UPDATE ON safety_plans FOR EACH ROW EXECUTE FUNCTION marked_in_error();
CREATE TRIGGER next_version    BEFORE UPDATE ON safety_plans FOR EACH ROW EXECUTE FUNCTION next_version();

ALTER TABLE safety_plans ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON safety_plans FOR SELECT TO cmhf_app USING (EXISTS (SELECT FROM people p WHERE p.id = safety_plans.person_id));
CREATE POLICY record ON safety_plans FOR INSERT TO cmhf_app
    WITH CHECK (recorded_by = caller_subject() AND service_id = ANY ((SELECT caller_services())::uuid[])
                AND EXISTS (SELECT FROM people p WHERE p.id = safety_plans.person_id));
-- Whoever supports the person now may strike a mistaken plan: in a crisis the wrong one does harm.
CREATE POLICY mark ON safety_plans FOR UPDATE TO cmhf_app
    USING (EXISTS (SELECT FROM people p WHERE p.id = safety_plans.person_id)) WITH CHECK (entered_in_error_by = caller_subject());
GRANT SELECT, INSERT (id, person_id, service_id, warning_signs, own_coping, people_who_help, services_to_call, means_safety, reasons_for_living,
                      made_with_person, recorded_by),
      UPDATE (entered_in_error_by, entered_in_error_why) ON safety_plans TO cmhf_app;

-- Crisis services find the safety plan of a person whom they don't know otherwise, by NHS number and birth date, both exact. Each person
-- found is given once, whichever of their records the details stand in, and also without a plan, so that the search stands in that person's
-- access log. Others than crisis services find nobody.
CREATE FUNCTION crisis_safety_plans(p_nhs_number text, p_birth_date date)
RETURNS TABLE (person_id uuid, id uuid, edition integer, service text, warning_signs text, own_coping text, people_who_help text, services_to_call text,
               means_safety text, reasons_for_living text, made_with_person boolean, recorded_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(plan.person_id, p.id), plan.id, plan.edition, s.name, plan.warning_signs, plan.own_coping, plan.people_who_help, plan.services_to_call,
           plan.means_safety, plan.reasons_for_living, plan.made_with_person, plan.recorded_at
    FROM (SELECT DISTINCT coalesce(r.merged_into, r.id) AS id FROM people r WHERE r.nhs_number = p_nhs_number AND r.birth_date = p_birth_date) p
    LEFT JOIN LATERAL (SELECT * FROM safety_plans sp WHERE sp.person_id IN (SELECT records_of(p.id)) AND sp.entered_in_error_at IS NULL
                       ORDER BY sp.recorded_at DESC, sp.id DESC LIMIT 1) plan ON true
    LEFT JOIN services s ON s.id = plan.service_id
    WHERE EXISTS (SELECT FROM services c WHERE c.id = ANY (caller_services()) AND 'CrisisLink' = ANY (c.functions))
    ORDER BY p.id
$$;
GRANT EXECUTE ON FUNCTION crisis_safety_plans TO cmhf_app;
