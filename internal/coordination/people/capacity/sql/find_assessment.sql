SELECT person_id FROM capacity_assessments WHERE id = @id
