SELECT id, at, subject, client, role, services, purpose, operation, outcome, problem, organisation
FROM access_log_of_anyone(@person, @before, @limit)
