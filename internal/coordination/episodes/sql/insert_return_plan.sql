INSERT INTO return_plans (episode_id, summary, how_to_return, valid_until, recorded_by)
VALUES (@episode, @summary, @how_to_return, @valid_until::date, @subject)
