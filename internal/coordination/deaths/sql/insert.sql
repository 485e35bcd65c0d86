INSERT INTO deaths (id, person_id, died_on, source, recorded_by) VALUES (@id, @person, @on::date, @source, @subject)
