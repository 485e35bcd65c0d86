SELECT person_id, records, due_on::text, basis, held FROM person_retention(@person)
