SELECT person_id FROM person_alerts WHERE id = @id
