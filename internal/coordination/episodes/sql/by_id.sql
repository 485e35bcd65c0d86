SELECT e.id, e.person_id, e.responsible_service_id, s.name AS responsible_service, e.state, e.opened_at, e.closed_at,
       c.reason, c.basis, c.closed_on::text, c.receiver_name, c.receiver_organisation, c.agreed_on::text, c.channel,
       p.summary, p.how_to_return, p.valid_until::text
FROM episodes e
JOIN services s ON s.id = e.responsible_service_id
LEFT JOIN closures c ON c.episode_id = e.id
LEFT JOIN return_plans p ON p.episode_id = e.id
WHERE e.id = @id
