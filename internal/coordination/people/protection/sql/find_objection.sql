SELECT person_id FROM objections WHERE id = @id
