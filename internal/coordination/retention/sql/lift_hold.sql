UPDATE legal_holds SET lifted_by = @subject WHERE person_id = ANY (@records) AND lifted_at IS NULL
