SELECT c.id, c.person_id, a.recorded_at AS at, a.updated_at, a.version, c.tool, c.item, c.score, c.answered_on::text, c.assessment_id,
       c.entered_in_error_at IS NOT NULL AS in_error, s.lead_provider_ods_code AS ods, s.lead_provider_name AS provider
FROM outcome_scores c
JOIN outcome_assessments a ON a.id = c.assessment_id
JOIN services s ON s.id = c.service_id
