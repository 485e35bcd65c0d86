SELECT id, at, request_id, subject, client, role, services, purpose, operation, outcome, problem, person_id, resource_id, organisation FROM audit_rows($1, $2, $3)
