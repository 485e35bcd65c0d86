INSERT INTO stays_elsewhere (id, episode_id, person_id, place, held_by_name, held_by_organisation, since, expected_return, recorded_by)
VALUES (@id, @episode, @person, @place, @held_by, @organisation, @since::date, @expected_return::date, @subject)
