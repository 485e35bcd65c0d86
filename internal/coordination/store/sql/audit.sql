INSERT INTO audit_events (request_id, subject, client, role, services, purpose, operation, outcome, problem, person_id, resource_id)
SELECT @request_id, @subject, @client, @role, @services::uuid[], @purpose, @operation, @outcome, @problem, person_id, resource_id
FROM unnest(@people::uuid[], @resources::uuid[]) AS touched (person_id, resource_id)
