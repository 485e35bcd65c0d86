SELECT person_id FROM carers WHERE id = @id AND person_id IN (SELECT records_of(@person))
