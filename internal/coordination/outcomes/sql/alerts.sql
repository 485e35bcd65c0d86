SELECT a.id, a.person_id, a.episode_id, a.assessment_id, s.name AS service, a.kind, k.subject AS key_worker_subject, k.name AS key_worker_name,
       a.raised_at, a.due_on, o.entered_in_error_at IS NOT NULL AS entered_in_error, a.acknowledged_at, a.acknowledged_by, a.response
FROM alerts_for_staff a
JOIN services s ON s.id = a.service_id
JOIN outcome_assessments o ON o.id = a.assessment_id
LEFT JOIN key_workers k ON k.episode_id = a.episode_id AND k.until IS NULL
WHERE a.service_id = ANY (@services) AND (a.acknowledged_at IS NULL) = @open AND (NOT @mine OR k.subject = @subject)
  AND (a.raised_at, a.id) < (@at, @after)
ORDER BY a.raised_at DESC, a.id DESC
LIMIT @limit
