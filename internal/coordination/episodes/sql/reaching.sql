SELECT id, kind, channel, happened_on::text FROM reaching_steps WHERE episode_id = @episode ORDER BY happened_on, recorded_at
