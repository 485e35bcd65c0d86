INSERT INTO disposals (id, person_id, requested_by) VALUES (@id, @person, @subject)
