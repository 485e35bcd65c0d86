-- +goose Up

-- The audit trail and its seals only grow, for everyone and the owner too: grants bind the app, this trigger binds whoever is let in as
-- owner by mistake. Whoever removes it to change a row is found out by the seals.
-- +goose StatementBegin
CREATE FUNCTION append_only() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'CM070', MESSAGE = format('%s only grows', TG_TABLE_NAME);
END $$;
-- +goose StatementEnd
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- One sealed stretch of the trail: every row whose id lies between first_id and last_id, however many of the ids were never used. The
-- hash covers the row hash, the bounds and the hash before, so one head vouches for everything up to it.
CREATE TABLE audit_batches (
    number        bigint PRIMARY KEY,
    format        smallint NOT NULL,
    first_id      bigint NOT NULL,
    last_id       bigint NOT NULL,
    row_count     bigint NOT NULL CHECK (row_count > 0),
    rows_hash     bytea NOT NULL CHECK (length(rows_hash) = 32),
    previous_hash bytea NOT NULL CHECK (length(previous_hash) = 32),
    hash          bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    sealed_at     timestamptz NOT NULL,
    CHECK (first_id <= last_id)
);

-- +goose StatementBegin
CREATE FUNCTION audit_batch_continues() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    previous audit_batches;
BEGIN
    SELECT * INTO previous FROM audit_batches ORDER BY number DESC LIMIT 1;
    IF (NEW.number, NEW.first_id, NEW.previous_hash) IS DISTINCT FROM
       (coalesce(previous.number, 0) + 1, coalesce(previous.last_id, 0) + 1, coalesce(previous.hash, decode(repeat('00', 32), 'hex'))) THEN
        RAISE EXCEPTION USING ERRCODE = 'CM071', MESSAGE = 'a batch continues the one before';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_batch_continues BEFORE INSERT ON audit_batches FOR EACH ROW EXECUTE FUNCTION audit_batch_continues();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_batches FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON audit_batches FOR EACH STATEMENT EXECUTE FUNCTION append_only();
GRANT SELECT, INSERT ON audit_batches TO cmhf_app;

-- +goose StatementBegin
-- Up to which id the trail may be sealed once the given transactions have ended. Ids are drawn before transactions commit, so a lower
-- one may still appear after a higher one. Every writer locks the table before it draws an id and until its rows are visible: who holds
-- no such lock when the last id has been read either is visible already or draws a higher id. (The oldest running transaction id would
-- not do: a writer draws its row's id before it has a transaction id.)
CREATE FUNCTION audit_horizon(OUT last_id bigint, OUT writers text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO last_id FROM audit_events_id_seq;
    -- A statement of its own, after the one above.
    SELECT coalesce(array_agg(DISTINCT virtualtransaction), '{}') INTO writers FROM pg_locks
    WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND relation = 'audit_events'::regclass AND mode = 'RowExclusiveLock' AND granted;
END $$;
-- +goose StatementEnd

-- Whether one of these transactions still writes to the trail.
CREATE FUNCTION audit_writers_remain(p_writers text[]) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM pg_locks
                   WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                     AND relation = 'audit_events'::regclass AND mode = 'RowExclusiveLock' AND virtualtransaction = ANY (p_writers))
$$;

-- The rows of a stretch, for sealing and verifying: ids and codes only, as all of the trail.
CREATE FUNCTION audit_rows(p_after bigint, p_upto bigint, p_limit integer)
RETURNS TABLE (id bigint, at timestamptz, request_id text, subject text, client text, role text, services uuid[], purpose text,
               operation text, outcome text, problem text, person_id uuid, resource_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.id, e.at, e.request_id, e.subject, e.client, e.role, e.services, e.purpose, e.operation, e.outcome, e.problem, e.person_id, e.resource_id
    FROM audit_events e WHERE e.id > p_after AND e.id <= p_upto ORDER BY e.id LIMIT p_limit
$$;

-- How many rows wait for a seal.
CREATE FUNCTION audit_unsealed() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(*) FROM audit_events WHERE id > coalesce((SELECT max(last_id) FROM audit_batches), 0)
$$;
GRANT EXECUTE ON FUNCTION audit_horizon, audit_writers_remain, audit_rows, audit_unsealed TO cmhf_app;
