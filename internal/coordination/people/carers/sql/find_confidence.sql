SELECT person_id FROM carer_confidences WHERE id = @id
