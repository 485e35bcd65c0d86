SELECT number, format, first_id, last_id, row_count, rows_hash, previous_hash, hash, sealed_at FROM audit_batches WHERE number >= $1 ORDER BY number LIMIT $2
