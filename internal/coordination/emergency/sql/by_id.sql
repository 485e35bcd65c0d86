SELECT e.id, e.person_id, s.name AS service, e.granted_to, e.reason, e.granted_at, e.until, e.review_due::text, e.outcome, e.reviewed_by, e.reviewed_at
FROM emergency_accesses e JOIN services s ON s.id = e.service_id
WHERE e.id = @id
