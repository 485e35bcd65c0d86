SELECT e.id AS row_id, e.id, 'Episode' AS subject, e.person_id, e.responsible_service_id AS service_id, e.opened_at AS since,
       'KeyWorker' AS due, e.key_worker_due_on AS due_on, d.escalated_to
FROM episodes e
LEFT JOIN deadlines d ON d.subject_id = e.id AND d.kind = 'KeyWorker' AND d.met_at IS NULL AND d.dropped_at IS NULL
WHERE e.state = 'Open' AND NOT EXISTS (SELECT FROM key_workers k WHERE k.episode_id = e.id AND k.until IS NULL)
