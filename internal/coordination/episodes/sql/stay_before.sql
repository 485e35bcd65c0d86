SELECT max(coalesce(until, since))::text FROM stays_elsewhere WHERE episode_id = @episode
