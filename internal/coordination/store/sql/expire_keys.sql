SELECT expire_idempotency_keys()
