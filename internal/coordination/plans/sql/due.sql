SELECT p.id, p.person_id, p.episode_id, p.service_id, s.name AS service, p.edition, p.kind, p.state, p.in_force_from::text, p.agreed_on::text, p.agreement,
       p.review_on::text, p.created_at, p.entered_in_error_at, p.entered_in_error_why, p.version, e.responsible_service_id, responsible.name AS responsible
FROM plans p
JOIN services s ON s.id = p.service_id
JOIN episodes e ON e.id = p.episode_id
JOIN services responsible ON responsible.id = e.responsible_service_id
WHERE e.responsible_service_id = ANY (@services) AND e.state = 'Open' AND p.state = 'InForce'
  AND p.review_on < @before::date AND (p.review_on, p.id) > (@on::date, @after)
ORDER BY p.review_on, p.id
LIMIT @limit
