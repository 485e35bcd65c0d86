-- Claims a key: a row comes back when nobody held it. One that is held stays so until it is removed (expire_keys.sql), however old it
-- is, and is locked, so that it can be read. A request that is using the key now makes this one wait for its outcome.
INSERT INTO idempotency_keys AS held (subject, operation, key, request_hash)
VALUES (caller_subject(), @operation, @key, @hash)
ON CONFLICT (subject, operation, key) DO UPDATE SET request_hash = held.request_hash WHERE false
RETURNING true
