-- The caller's service on whose behalf a plan is saved: the one that has seen the person the longest.
SELECT service_id FROM person_access
WHERE person_id = @person AND service_id = ANY (@services) AND (until IS NULL OR until > now())
ORDER BY since, service_id LIMIT 1
