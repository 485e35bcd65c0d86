SELECT c.id, c.kind, c.name, c.relationship, c.may_be_told, c.basis, c.agreed_on::text, c.ended_on::text, r.phone, r.email, c.changed_by, c.changed_at
FROM carers c
LEFT JOIN carer_contacts r ON r.carer_id = c.id
WHERE c.person_id IN (SELECT records_of(@person)) ORDER BY c.ended_on IS NOT NULL, c.id
