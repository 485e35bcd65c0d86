SELECT person_id FROM residences WHERE id = @id
