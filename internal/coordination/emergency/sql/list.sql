SELECT e.id, e.person_id, s.name AS service, e.granted_to, e.reason, e.granted_at, e.until, e.review_due::text, e.outcome, e.reviewed_by, e.reviewed_at
FROM emergency_accesses e JOIN services s ON s.id = e.service_id
WHERE CASE @state WHEN 'Waiting' THEN e.outcome IS NULL WHEN 'Overdue' THEN e.outcome IS NULL AND e.review_due < @today::date
                  WHEN 'Reviewed' THEN e.outcome IS NOT NULL ELSE true END
  AND (e.granted_at, e.id) < (@at, @after)
ORDER BY e.granted_at DESC, e.id DESC
LIMIT @limit
