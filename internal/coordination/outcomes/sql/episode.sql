SELECT e.id, e.person_id, e.responsible_service_id, s.name AS responsible_service,
       least((SELECT min(r.received_on) FROM referrals r WHERE r.episode_id = e.id), (e.opened_at AT TIME ZONE 'Europe/London')::date) AS first_day,
       (e.closed_at AT TIME ZONE 'Europe/London')::date AS closed_on, p.died_on, attended_contacts(e.id) AS contacts
FROM episodes e
JOIN services s ON s.id = e.responsible_service_id
JOIN people p ON p.id = e.person_id
WHERE e.id = @id
