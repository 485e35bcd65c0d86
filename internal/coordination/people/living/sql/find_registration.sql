SELECT person_id FROM registrations WHERE id = @id
