-- A service's episode, or else what waits with it, says in which of a person's records it supports them: what it records stands there, so that it
-- stays with its own if the records are taken apart.
SELECT s.id, s.name, coalesce(e.person_id, r.person_id, p.id) AS record, e.id AS episode, p.died_on
FROM people p
JOIN services s ON s.id = ANY (@services::uuid[]) AND service_supports_person(p.id, s.id)
LEFT JOIN LATERAL (SELECT id, person_id FROM episodes
                   WHERE person_id IN (SELECT records_of(p.id)) AND responsible_service_id = s.id AND state = 'Open'
                   ORDER BY person_id <> p.id, id LIMIT 1) e ON true
LEFT JOIN LATERAL (SELECT person_id FROM referrals
                   WHERE person_id IN (SELECT records_of(p.id)) AND s.id IN (service_id, responsible_service_id) AND outcome_at IS NULL
                   ORDER BY person_id <> p.id LIMIT 1) r ON true
WHERE p.id = (SELECT coalesce(merged_into, id) FROM people WHERE id = @person)
ORDER BY s.name
