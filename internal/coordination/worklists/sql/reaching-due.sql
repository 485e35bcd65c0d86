SELECT r.id AS row_id, r.id, 'Referral' AS subject, r.person_id, r.service_id, r.reaching_next_on::timestamp AT TIME ZONE 'Europe/London' AS since,
       d.kind AS due, r.reaching_next_on AS due_on, d.escalated_to
FROM referrals r
LEFT JOIN deadlines d ON d.subject_id = r.id AND d.kind = 'ReachingNext' AND d.met_at IS NULL AND d.dropped_at IS NULL
WHERE r.state = 'Open' AND r.reaching_next_on IS NOT NULL
  AND r.reaching_next_on <= (now() AT TIME ZONE 'Europe/London')::date
