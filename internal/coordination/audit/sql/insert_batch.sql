INSERT INTO audit_batches (number, format, first_id, last_id, row_count, rows_hash, previous_hash, hash, sealed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
