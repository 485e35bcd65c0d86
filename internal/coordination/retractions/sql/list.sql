SELECT id, kind, resource_id, person_id, reason, retracted_by, retracted_at, readers FROM retractions
WHERE (retracted_at, id) < (@at, @after)
ORDER BY retracted_at DESC, id DESC
LIMIT @limit
