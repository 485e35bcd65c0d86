-- Accepted is not arrived. It is for the receiver, while it is responsible, or the sender when the receiver is outside the directory.
SELECT h.id AS row_id, h.id, 'Handover' AS subject, h.person_id, coalesce(h.to_service_id, h.from_service_id) AS service_id, h.outcome_at AS since,
       NULL AS due, NULL::date AS due_on, NULL AS escalated_to
FROM handovers h
JOIN people p ON p.id = h.person_id
JOIN episodes e ON e.id = h.episode_id
WHERE h.state = 'Accepted' AND h.arrived_on IS NULL AND p.died_on IS NULL AND e.state <> 'EnteredInError'
  AND (h.to_service_id IS NULL OR (e.state = 'Open' AND e.responsible_service_id = h.to_service_id))
