INSERT INTO named_access (id, person_id, subjects, reason, set_by) VALUES (@id, @person, @subjects, @reason, @subject)
