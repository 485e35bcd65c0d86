SELECT e.person_id, e.responsible_service_id, s.name AS responsible, e.closed_at, person.died_on::text,
       (SELECT p.id FROM plans p WHERE p.episode_id = e.id AND p.state = 'Draft') AS draft_id,
       (SELECT p.id FROM plans p WHERE p.episode_id = e.id AND p.state = 'InForce') AS in_force_id
FROM episodes e
JOIN services s ON s.id = e.responsible_service_id
JOIN people person ON person.id = e.person_id
WHERE e.id = @id
