SELECT e.id, e.person_id, e.responsible_service_id, s.name AS responsible_service, e.opened_at, e.closed_at, e.version,
       CASE WHEN st.id IS NOT NULL THEN 'Elsewhere' ELSE e.state END AS state,
       c.reason, c.basis, c.closed_on::text, c.receiver_name, c.receiver_organisation, c.agreed_on::text, c.channel, c.handover_id,
       p.summary, p.how_to_return, p.valid_until::text,
       e.previous_episode_id,
       CASE WHEN e.state = 'Open' AND NOT EXISTS (SELECT FROM safety_checks sc WHERE sc.episode_id = e.id) THEN e.safety_check_due_on::text END AS safety_check_due_on,
       CASE WHEN e.state = 'Open' AND k.id IS NULL THEN e.key_worker_due_on::text END AS key_worker_due_on,
       k.subject AS key_worker_subject, k.name AS key_worker_name, k.role AS key_worker_role, k.since::text AS key_worker_since,
       st.place, st.held_by_name, st.held_by_organisation, st.since::text AS elsewhere_since, st.expected_return::text
FROM episodes e
JOIN services s ON s.id = e.responsible_service_id
LEFT JOIN closures c ON c.episode_id = e.id
LEFT JOIN return_plans p ON p.episode_id = e.id
LEFT JOIN key_workers k ON k.episode_id = e.id AND k.until IS NULL
LEFT JOIN stays_elsewhere st ON st.episode_id = e.id AND st.until IS NULL AND e.state = 'Open'
