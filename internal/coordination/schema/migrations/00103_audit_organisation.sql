-- +goose Up

-- On behalf of which organisation outside the directory somebody acted: a partner's practitioner or officer has no services that would say
-- so. The database writes down what the transaction says of its caller; nobody names another with the row.
ALTER TABLE audit_events ADD COLUMN organisation text DEFAULT caller_organisation();

-- As before, with the organisation. Named columns of the earlier forms go on being answered to programs of an earlier release.
DROP FUNCTION audit_rows(bigint, bigint, integer);
CREATE FUNCTION audit_rows(p_after bigint, p_upto bigint, p_limit integer)
RETURNS TABLE (id bigint, at timestamptz, request_id text, subject text, client text, role text, services uuid[], purpose text,
               operation text, outcome text, problem text, person_id uuid, resource_id uuid, organisation text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.id, e.at, e.request_id, e.subject, e.client, e.role, e.services, e.purpose, e.operation, e.outcome, e.problem, e.person_id, e.resource_id, e.organisation
    FROM audit_events e WHERE e.id > p_after AND e.id <= p_upto ORDER BY e.id LIMIT p_limit
$$;

DROP FUNCTION person_access_log(uuid, bigint, integer);
CREATE FUNCTION person_access_log(p_person uuid, p_before bigint, p_limit integer)
RETURNS TABLE (id bigint, at timestamptz, subject text, client text, role text, services text[], purpose text, operation text, outcome text, problem text, organisation text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.id, e.at, e.subject, e.client, e.role,
           ARRAY(SELECT s.name FROM services s WHERE s.id = ANY (e.services) ORDER BY s.name), e.purpose, e.operation, e.outcome, e.problem, e.organisation
    FROM audit_events e
    WHERE e.person_id = p_person AND (p_before IS NULL OR e.id < p_before) AND caller_sees(p_person)
    ORDER BY e.id DESC LIMIT p_limit
$$;

DROP FUNCTION access_log_of_anyone(uuid, bigint, integer);
CREATE FUNCTION access_log_of_anyone(p_person uuid, p_before bigint, p_limit integer)
RETURNS TABLE (id bigint, at timestamptz, subject text, client text, role text, services text[], purpose text, operation text, outcome text, problem text, organisation text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.id, e.at, e.subject, e.client, e.role,
           ARRAY(SELECT s.name FROM services s WHERE s.id = ANY (e.services) ORDER BY s.name), e.purpose, e.operation, e.outcome, e.problem, e.organisation
    FROM audit_events e
    WHERE caller_role() = 'auditor' AND (p_before IS NULL OR e.id < p_before)
      AND e.person_id = ANY (ARRAY(SELECT p_person UNION SELECT records_of(p_person)))
    ORDER BY e.id DESC LIMIT p_limit
$$;
GRANT EXECUTE ON FUNCTION audit_rows, person_access_log, access_log_of_anyone TO cmhf_app;
COMMENT ON FUNCTION access_log_of_anyone IS
    'For auditors, who see nobody otherwise.';
