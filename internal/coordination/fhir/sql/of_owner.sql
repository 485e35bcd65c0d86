SELECT x.*, coalesce((SELECT coalesce(p.merged_into, p.id) FROM people p WHERE p.id = x.person_id), x.person_id) AS subject
FROM (/* the resource's query */) x
WHERE (x.to_service_id = @service::uuid OR (x.to_ods_code = @organisation AND x.to_ods_code = (SELECT caller_organisation())))
  AND (x.at, x.id) < (@at, @after)
ORDER BY x.at DESC, x.id DESC
LIMIT @limit
