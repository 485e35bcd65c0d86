SELECT a.id, a.person_id, a.episode_id, s.name AS service, a.tool, a.answered_on::text, a.answers, a.risk_flag,
       a.entered_in_error_at IS NOT NULL AS entered_in_error, a.recorded_at, a.version,
       ARRAY(SELECT c.item FROM outcome_scores c WHERE c.assessment_id = a.id ORDER BY c.item) AS items,
       ARRAY(SELECT c.score FROM outcome_scores c WHERE c.assessment_id = a.id ORDER BY c.item) AS scores
FROM outcome_assessments a
JOIN services s ON s.id = a.service_id
WHERE a.id = @id
