SELECT person_id, kind, source_id, service_id, provider, in_scope, on_day, until_day, agreed_day, coalesce(route, '') AS route, coalesce(detail, '') AS detail,
       coalesce(attended, false) AS attended, coalesce(coded, false) AS coded, coalesce(slight, false) AS slight
FROM clock_events(@people)
