SELECT x.*, coalesce((SELECT coalesce(p.merged_into, p.id) FROM people p WHERE p.id = x.person_id), x.person_id) AS subject
FROM (/* the resource's query */) x
WHERE x.id = @id
