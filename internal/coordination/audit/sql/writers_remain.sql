SELECT audit_writers_remain($1)
