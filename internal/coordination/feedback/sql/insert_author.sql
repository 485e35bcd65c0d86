INSERT INTO feedback_authors (id, person_id) VALUES (@id, @person)
