UPDATE named_access SET ended_by = @subject, ended_at = now() WHERE person_id IN (SELECT records_of(@person)) AND ended_at IS NULL
