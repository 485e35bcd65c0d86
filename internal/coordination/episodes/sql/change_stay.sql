UPDATE stays_elsewhere SET held_by_name = @held_by, held_by_organisation = @organisation, expected_return = @expected_return::date
WHERE episode_id = @episode AND until IS NULL
