SELECT n.id, n.person_id, s.name AS service, n.area, n.description, n.identified_on::text, n.action, n.action_on::text, n.state, n.state_on::text,
       n.entered_in_error_at IS NOT NULL AS entered_in_error, n.recorded_at, n.version
FROM needs n
JOIN services s ON s.id = n.service_id
WHERE n.id = @id
