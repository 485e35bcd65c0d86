SELECT person_id FROM representatives WHERE id = @id
