SELECT risk, medicines, address, safeguarding, checked_on::text FROM safety_checks WHERE episode_id = @episode
ORDER BY checked_on DESC, recorded_at DESC LIMIT 1
