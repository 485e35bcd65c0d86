SELECT l.id, l.person_id, l.asset_id, a.name AS asset_name, s.name AS service, l.recorded_by AS linked_by, l.linked_on::text, l.first_attended_on::text,
       l.outcome, l.outcome_on::text, l.entered_in_error_at IS NOT NULL AS entered_in_error, l.recorded_at, l.version
FROM asset_links l
JOIN assets a ON a.id = l.asset_id
JOIN services s ON s.id = l.service_id
WHERE l.id = @id
