SELECT e.id AS row_id, e.id, 'Episode' AS subject, e.person_id, e.responsible_service_id AS service_id,
       e.safety_check_due_on::timestamp AT TIME ZONE 'Europe/London' AS since, 'SafetyCheck' AS due, e.safety_check_due_on AS due_on, d.escalated_to
FROM episodes e
LEFT JOIN deadlines d ON d.subject_id = e.id AND d.kind = 'SafetyCheck' AND d.met_at IS NULL AND d.dropped_at IS NULL
WHERE e.state = 'Open' AND e.safety_check_due_on IS NOT NULL AND NOT EXISTS (SELECT FROM safety_checks c WHERE c.episode_id = e.id)
