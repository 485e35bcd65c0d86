SELECT p.id AS row_id, p.id, 'Plan' AS subject, p.person_id, e.responsible_service_id AS service_id,
       p.review_on::timestamp AT TIME ZONE 'Europe/London' AS since, 'PlanReview' AS due, p.review_on AS due_on, d.escalated_to
FROM plans p
JOIN episodes e ON e.id = p.episode_id
LEFT JOIN deadlines d ON d.subject_id = p.id AND d.kind = 'PlanReview' AND d.met_at IS NULL AND d.dropped_at IS NULL
WHERE p.state = 'InForce' AND e.state = 'Open' AND p.review_on <= (now() AT TIME ZONE 'Europe/London')::date
