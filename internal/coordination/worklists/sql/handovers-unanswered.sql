-- The receiver answers. One outside the directory may have no account: then the sender asks, and records the answer.
SELECT h.id AS row_id, h.id, 'Handover' AS subject, h.person_id, coalesce(h.to_service_id, h.from_service_id) AS service_id, h.offered_at AS since,
       'Handover' || h.urgency AS due, h.answer_due_on AS due_on, h.escalated_to
FROM handovers h
WHERE h.state = 'Offered'
