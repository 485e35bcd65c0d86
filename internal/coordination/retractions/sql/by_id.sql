SELECT id, kind, resource_id, person_id, reason, retracted_by, retracted_at, readers FROM retractions WHERE id = @id
