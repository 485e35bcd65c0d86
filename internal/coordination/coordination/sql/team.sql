SELECT subject, name, role, organisation FROM team_members WHERE episode_id = @episode AND until IS NULL ORDER BY since, recorded_at, id
