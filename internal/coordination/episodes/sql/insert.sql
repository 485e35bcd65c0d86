INSERT INTO episodes (id, person_id, responsible_service_id, opened_by) VALUES (@id, @person, @service, @subject)
