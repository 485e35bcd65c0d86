SELECT l.id, l.at, l.subject, l.client, l.role, l.services, l.purpose, l.operation, l.outcome, l.problem, l.organisation
FROM records_of(@person) record (id), person_access_log(record.id, @before, @limit) l
ORDER BY l.id DESC LIMIT @limit
