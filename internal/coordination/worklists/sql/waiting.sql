SELECT r.id AS row_id, r.id, 'Referral' AS subject, r.person_id, r.service_id, r.recorded_at AS since,
       d.kind AS due, d.due_on, d.escalated_to
FROM referrals r
LEFT JOIN deadlines d ON d.subject_id = r.id AND d.kind = 'FirstContact' AND d.met_at IS NULL AND d.dropped_at IS NULL
WHERE r.state = 'Open' AND NOT EXISTS (SELECT FROM referrals sent WHERE sent.redirected_from = r.id AND sent.state = 'Open')
