WHERE e.responsible_service_id = ANY (@services) AND e.state = ANY (@states) AND (e.opened_at, e.id) < (@at, @after)
  AND (@elsewhere::boolean IS NULL OR (st.id IS NOT NULL) = @elsewhere)
  AND (@without_key_worker::date IS NULL OR (e.state = 'Open' AND k.id IS NULL AND e.key_worker_due_on < @without_key_worker))
ORDER BY e.opened_at DESC, e.id DESC
LIMIT @limit
