SELECT person_id FROM carers WHERE id = @id
