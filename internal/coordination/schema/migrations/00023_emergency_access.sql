-- +goose Up

-- Somebody looked at a record without another reason, because a person was in need: a service sees the person for some hours, with a
-- reason in words, and somebody else reviews it. Rule 11 has each use in the access log.
CREATE TABLE emergency_accesses (
    id          uuid PRIMARY KEY,
    person_id   uuid NOT NULL REFERENCES people,
    service_id  uuid NOT NULL REFERENCES services,
    reason      text NOT NULL CHECK (length(btrim(reason)) BETWEEN 1 AND 1000),
    granted_to  text NOT NULL,
    granted_at  timestamptz NOT NULL DEFAULT now(),
    until       timestamptz NOT NULL CHECK (until <= granted_at + interval '24 hours'),
    review_due  date NOT NULL,
    outcome     text CHECK (outcome IN ('Justified', 'NotJustified')),
    reviewed_by text,
    reviewed_at timestamptz,
    CONSTRAINT reviewed_whole CHECK ((outcome IS NULL) = (reviewed_by IS NULL) AND (outcome IS NULL) = (reviewed_at IS NULL)),
    CONSTRAINT reviewed_by_another CHECK (reviewed_by <> granted_to)
);
CREATE INDEX emergency_accesses_list ON emergency_accesses (granted_at DESC, id DESC);
CREATE INDEX emergency_accesses_waiting ON emergency_accesses (service_id, review_due) WHERE outcome IS NULL;
INSERT INTO record_tables VALUES ('emergency_accesses');

-- The second working day after a day, Monday to Friday. Public holidays are not known here, so after one the review is due a day early.
CREATE FUNCTION second_working_day(p_after date) RETURNS date LANGUAGE sql IMMUTABLE
RETURN p_after + CASE extract(isodow FROM p_after) WHEN 4 THEN 4 WHEN 5 THEN 4 WHEN 6 THEN 3 ELSE 2 END;

-- +goose StatementBegin
-- The only way. Number and birth date must both be right; there is no row for anybody else, and no other sign.
CREATE FUNCTION grant_emergency_access(p_id uuid, p_nhs_number text, p_birth_date date, p_service uuid, p_reason text, p_hours integer)
RETURNS TABLE (person_id uuid, until timestamptz, review_due date)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    person uuid;
    ends timestamptz := now() + make_interval(hours => p_hours);
    due date := second_working_day((now() AT TIME ZONE 'Europe/London')::date);
BEGIN
    IF NOT coalesce(p_service = ANY (caller_services()), false) OR caller_subject() IS NULL
       OR coalesce(caller_role(), '') NOT IN ('practitioner', 'service-lead') THEN
        RAISE insufficient_privilege;
    END IF;
    SELECT coalesce(p.merged_into, p.id) INTO person FROM people p
    WHERE p.nhs_number = p_nhs_number AND p.birth_date = p_birth_date ORDER BY p.matching DESC, p.created_at LIMIT 1;
    IF person IS NULL THEN RETURN; END IF;
    INSERT INTO emergency_accesses (id, person_id, service_id, reason, granted_to, until, review_due)
    VALUES (p_id, person, p_service, p_reason, caller_subject(), ends, due);
    INSERT INTO person_access (person_id, service_id, why, source_id, until) VALUES (person, p_service, 'Emergency', p_id, ends);
    RETURN QUERY SELECT person, ends, due;
END $$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION grant_emergency_access TO cmhf_app;

-- +goose StatementBegin
CREATE FUNCTION emergency_reviewed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    NEW.reviewed_at := now();
    IF NEW.outcome = 'NotJustified' THEN -- what is left of it ends now
        UPDATE person_access SET until = now() WHERE source_id = NEW.id AND until > now();
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER emergency_reviewed BEFORE UPDATE ON emergency_accesses FOR EACH ROW
    WHEN (OLD.outcome IS NULL AND NEW.outcome IS NOT NULL) EXECUTE FUNCTION emergency_reviewed();

ALTER TABLE emergency_accesses ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON emergency_accesses FOR SELECT TO cmhf_app
    USING ((SELECT caller_role()) IN ('records-officer', 'auditor')
           OR ((SELECT caller_role()) = 'service-lead' AND service_id = ANY ((SELECT caller_services())::uuid[])));
CREATE POLICY review ON emergency_accesses FOR UPDATE TO cmhf_app
    USING (outcome IS NULL AND ((SELECT caller_role()) = 'records-officer'
           OR ((SELECT caller_role()) = 'service-lead' AND service_id = ANY ((SELECT caller_services())::uuid[]))))
    WITH CHECK (reviewed_by = caller_subject() AND outcome IS NOT NULL);
GRANT SELECT, UPDATE (outcome, reviewed_by) ON emergency_accesses TO cmhf_app;

-- Who used anybody's record, also when the record is gone, for auditors.
CREATE FUNCTION access_log_of_anyone(p_person uuid, p_before bigint, p_limit integer)
RETURNS TABLE (id bigint, at timestamptz, subject text, client text, role text, services text[], purpose text, operation text, outcome text, problem text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.id, e.at, e.subject, e.client, e.role,
           ARRAY(SELECT s.name FROM services s WHERE s.id = ANY (e.services) ORDER BY s.name), e.purpose, e.operation, e.outcome, e.problem
    FROM audit_events e
    WHERE caller_role() = 'auditor' AND (p_before IS NULL OR e.id < p_before)
      AND e.person_id = ANY (ARRAY(SELECT p_person UNION SELECT records_of(p_person)))
    ORDER BY e.id DESC LIMIT p_limit
$$;
GRANT EXECUTE ON FUNCTION access_log_of_anyone TO cmhf_app;
