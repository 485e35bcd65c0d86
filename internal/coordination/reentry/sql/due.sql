SELECT e.id AS episode_id, e.person_id, s.name AS responsible_service, e.opened_at, e.safety_check_due_on::text AS due_on
FROM episodes e JOIN services s ON s.id = e.responsible_service_id
WHERE e.responsible_service_id = ANY (@services) AND e.state = 'Open' AND e.safety_check_due_on IS NOT NULL
  AND (NOT @overdue::boolean OR e.safety_check_due_on < @today::date)
  AND NOT EXISTS (SELECT FROM safety_checks c WHERE c.episode_id = e.id)
  AND (e.opened_at, e.id) < (@at, @after)
ORDER BY e.opened_at DESC, e.id DESC
LIMIT @limit
