SELECT r.person_id, ARRAY[r.service_id, r.responsible_service_id] AS services, s.name AS responsible, r.outcome_at AS ended_at, p.died_on::text,
       r.received_on::text AS begins_on
FROM referrals r
JOIN people p ON p.id = r.person_id
JOIN services s ON s.id = r.responsible_service_id
WHERE r.id = @id
