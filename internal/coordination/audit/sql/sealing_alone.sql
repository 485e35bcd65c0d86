-- One worker seals at a time, whichever replica it runs in. The lock ends with the transaction, so a connection pooler does no harm.
SELECT pg_try_advisory_xact_lock(hashtext('cmhf.audit.seal'))
