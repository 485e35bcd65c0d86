SELECT c.id, c.person_id, c.changed_at AS at, p.updated_at, p.version, c.kind, c.name, c.relationship, c.may_be_told, c.ended_on::text
FROM carers c
JOIN people p ON p.id = c.person_id
