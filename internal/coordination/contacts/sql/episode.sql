SELECT e.person_id, ARRAY[e.responsible_service_id] AS services, s.name AS responsible, e.closed_at AS ended_at, p.died_on::text,
       least((e.opened_at AT TIME ZONE 'Europe/London')::date, (SELECT min(r.received_on) FROM referrals r WHERE r.episode_id = e.id))::text AS begins_on
FROM episodes e
JOIN people p ON p.id = e.person_id
JOIN services s ON s.id = e.responsible_service_id
WHERE e.id = @id
