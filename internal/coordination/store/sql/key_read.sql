SELECT request_hash, answer FROM idempotency_keys WHERE subject = caller_subject() AND operation = @operation AND key = @key
