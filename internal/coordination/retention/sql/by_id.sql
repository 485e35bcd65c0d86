SELECT id, person_id, record_ids, due_on::text, requested_by, requested_at, confirmed_by, confirmed_at FROM disposals WHERE id = @id
