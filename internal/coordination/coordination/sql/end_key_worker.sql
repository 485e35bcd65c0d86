UPDATE key_workers SET until = @since::date, ended_by = @subject WHERE episode_id = @episode AND until IS NULL
