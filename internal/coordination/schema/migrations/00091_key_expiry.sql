-- +goose Up

-- The hours in which records could be changed, as the programs that can change them say once an hour. A key is kept for a day of such hours:
-- who repeats a request after the records could only be read for days must still find the answer. No process needs to live that long.
CREATE TABLE writable_hours (hour timestamptz PRIMARY KEY);

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION expire_idempotency_keys() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO writable_hours VALUES (date_trunc('hour', now())) ON CONFLICT DO NOTHING;
    -- The present hour and 24 before it.
    DELETE FROM writable_hours WHERE hour < (SELECT hour FROM writable_hours ORDER BY hour DESC OFFSET 24 LIMIT 1);
    WITH gone AS (DELETE FROM idempotency_keys WHERE created_at < (SELECT hour FROM writable_hours ORDER BY hour DESC OFFSET 24 LIMIT 1) RETURNING 1)
    SELECT count(*) FROM gone
$$;
-- +goose StatementEnd
