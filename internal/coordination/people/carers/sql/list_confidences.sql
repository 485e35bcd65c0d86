SELECT s.id, s.carer_id, c.name AS carer_name, s.said_on::text, s.said, s.sharing, s.entered_in_error_at IS NOT NULL AS entered_in_error, s.recorded_by, s.recorded_at
FROM carer_confidences s
JOIN carers c ON c.id = s.carer_id
WHERE s.person_id IN (SELECT records_of(@person)) ORDER BY s.said_on DESC, s.id DESC
