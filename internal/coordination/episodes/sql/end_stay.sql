UPDATE stays_elsewhere SET until = @until::date, ended_by = @subject WHERE episode_id = @episode AND until IS NULL
