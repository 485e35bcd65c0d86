-- +goose Up

-- Who did what with whose record, and what was refused. Ids only, so the trail survives the disposal of a record.
-- The app may add to it and read one person's part through person_access_log; nothing else.
CREATE TABLE audit_events (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    request_id  text NOT NULL,
    subject     text NOT NULL,
    client      text NOT NULL,
    role        text NOT NULL,
    services    uuid[] NOT NULL,
    purpose     text NOT NULL,
    operation   text NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('Done', 'Refused')),
    problem     text CHECK ((outcome = 'Refused') = (problem IS NOT NULL)),
    person_id   uuid,
    resource_id uuid
);
CREATE INDEX audit_events_person ON audit_events (person_id, id DESC) WHERE person_id IS NOT NULL;

-- +goose StatementBegin
-- Who asks for a referral or an episode that none of their services may see is asking for a person: the attempt belongs into
-- that person's access log although the caller, and so the API, cannot tell whose record it is.
CREATE FUNCTION audit_event_names_person() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.person_id IS NULL AND NEW.resource_id IS NOT NULL THEN
        NEW.person_id := coalesce((SELECT person_id FROM referrals WHERE id = NEW.resource_id),
                                  (SELECT person_id FROM episodes WHERE id = NEW.resource_id));
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_event_names_person BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_event_names_person();

-- What kept an episode from being closed, without the person and without free text: services learn from it.
CREATE TABLE closure_refusals (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    service_id uuid NOT NULL,
    missing    text NOT NULL CHECK (missing IN ('reason', 'return-plan', 'acceptance', 'choice', 'capacity', 'reaching-attempts',
                                                'carer-or-gp-contact', 'risk-review', 'senior-sign-off', 'named-holder', 'death'))
);

-- An answer that was given under an Idempotency-Key, for 24 hours. Rows belong to the caller who sent the key.
CREATE TABLE idempotency_keys (
    subject      text NOT NULL,
    operation    text NOT NULL,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    answer       jsonb,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, operation, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE closure_refusals ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON audit_events FOR INSERT TO cmhf_app WITH CHECK (subject = caller_subject());
CREATE POLICY own ON closure_refusals FOR INSERT TO cmhf_app WITH CHECK (service_id = ANY ((SELECT caller_services())::uuid[]));
CREATE POLICY own ON idempotency_keys TO cmhf_app USING (subject = caller_subject()) WITH CHECK (subject = caller_subject());

GRANT INSERT (request_id, subject, client, role, services, purpose, operation, outcome, problem, person_id, resource_id) ON audit_events TO cmhf_app;
GRANT INSERT (service_id, missing) ON closure_refusals TO cmhf_app;
GRANT SELECT, INSERT, UPDATE (request_hash, answer, created_at) ON idempotency_keys TO cmhf_app;

CREATE FUNCTION expire_idempotency_keys() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH gone AS (DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours' RETURNING 1) SELECT count(*) FROM gone
$$;

-- The caller must be able to see the person; otherwise there is no row, as for a person who does not exist.
CREATE FUNCTION person_access_log(p_person uuid, p_before bigint, p_limit integer)
RETURNS TABLE (id bigint, at timestamptz, subject text, client text, role text, services text[], purpose text, operation text, outcome text, problem text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.id, e.at, e.subject, e.client, e.role,
           ARRAY(SELECT s.name FROM services s WHERE s.id = ANY (e.services) ORDER BY s.name), e.purpose, e.operation, e.outcome, e.problem
    FROM audit_events e
    WHERE e.person_id = p_person AND (p_before IS NULL OR e.id < p_before)
      AND EXISTS (SELECT FROM person_access a WHERE a.person_id = p_person AND a.service_id = ANY (caller_services()) AND (a.until IS NULL OR a.until > now()))
    ORDER BY e.id DESC LIMIT p_limit
$$;
GRANT EXECUTE ON FUNCTION expire_idempotency_keys, person_access_log TO cmhf_app;
