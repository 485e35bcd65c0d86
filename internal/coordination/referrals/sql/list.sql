WHERE r.service_id = ANY (@services)
  AND CASE WHEN r.state = 'Open' AND r.reaching_next_on IS NOT NULL THEN 'Reaching' ELSE r.state END = ANY (@states)
  AND (r.recorded_at, r.id) < (@at, @after)
ORDER BY r.recorded_at DESC, r.id DESC
LIMIT @limit
