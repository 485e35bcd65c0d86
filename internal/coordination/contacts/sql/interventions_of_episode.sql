SELECT i.id, i.person_id, i.episode_id, i.service_id, i.contact_id, s.name AS service, i.given_on::text, i.kind, i.snomed_code, i.theme, i.tier,
       i.note, i.recorded_at, i.entered_in_error_at, i.entered_in_error_why, i.version
FROM interventions i
JOIN services s ON s.id = i.service_id
WHERE i.episode_id = @id AND i.entered_in_error_at IS NULL AND (i.given_on, i.id) < (@on::date, @after)
ORDER BY i.given_on DESC, i.id DESC
LIMIT @limit
