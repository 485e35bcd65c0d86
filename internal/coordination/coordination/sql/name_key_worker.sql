INSERT INTO key_workers (id, episode_id, person_id, subject, name, role, since, recorded_by)
VALUES (@id, @episode, @person, @key_worker, @name, @role, @since::date, @subject)
