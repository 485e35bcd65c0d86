-- Claims a key: a row comes back when it was free or its 24 hours are over. A request that is using the key now makes this
-- one wait for its outcome.
INSERT INTO idempotency_keys AS held (subject, operation, key, request_hash)
VALUES (caller_subject(), @operation, @key, @hash)
ON CONFLICT (subject, operation, key) DO UPDATE SET request_hash = excluded.request_hash, answer = NULL, created_at = now()
WHERE held.created_at < now() - interval '24 hours'
RETURNING true
