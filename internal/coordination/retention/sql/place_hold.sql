INSERT INTO legal_holds (id, person_id, reason, placed_by) VALUES (@id, @person, @reason, @subject)
ON CONFLICT (person_id) WHERE lifted_at IS NULL DO NOTHING
