SELECT r.id, r.person_id, r.service_id, s.name AS service, responsible.name AS responsible_service, r.route, r.reason,
       r.received_on::text, r.state, r.recorded_at, r.episode_id, r.outcome_at
FROM referrals r
JOIN services s ON s.id = r.service_id
JOIN services responsible ON responsible.id = r.responsible_service_id
WHERE r.id = @id
