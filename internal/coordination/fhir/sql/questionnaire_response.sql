SELECT a.id, a.person_id, a.recorded_at AS at, a.updated_at, a.version, a.tool, a.answered_on::text, a.answers, a.entered_in_error_at IS NOT NULL AS in_error,
       ARRAY(SELECT c.item FROM outcome_scores c WHERE c.assessment_id = a.id ORDER BY c.item) AS items,
       ARRAY(SELECT c.score FROM outcome_scores c WHERE c.assessment_id = a.id ORDER BY c.item) AS scores
FROM outcome_assessments a
