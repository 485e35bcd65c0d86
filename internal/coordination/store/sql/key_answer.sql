UPDATE idempotency_keys SET answer = @answer WHERE subject = caller_subject() AND operation = @operation AND key = @key
