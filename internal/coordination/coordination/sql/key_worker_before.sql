SELECT max(coalesce(until, since))::text FROM key_workers WHERE episode_id = @episode
