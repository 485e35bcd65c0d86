SELECT subject, name, role, since::text, until::text FROM key_workers WHERE episode_id = @episode AND until IS NOT NULL
ORDER BY until DESC, since DESC, recorded_at DESC
