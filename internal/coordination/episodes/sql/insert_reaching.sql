INSERT INTO reaching_steps (id, episode_id, kind, channel, happened_on, recorded_by)
VALUES (@id, @episode, @kind, @channel, @on::date, @subject)
