SELECT id, at, subject, client, role, services, purpose, operation, outcome, problem
FROM person_access_log(@person, @before, @limit)
