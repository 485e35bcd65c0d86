SELECT p.id, ARRAY(SELECT m.id FROM people m WHERE m.merged_into = p.id) AS merged, p.version, caller_supports(p.id) AS supports, caller_responsible(p.id) AS responsible, NOT caller_sees_location(p.id) AS hidden
FROM people p WHERE p.id = (SELECT coalesce(merged_into, id) FROM people WHERE id = @id)
