UPDATE action_progress SET state = @state, evidence = @evidence, state_on = @state_on::date, due_on = @due_on::date, changed_by = @subject
WHERE id = @id AND version = @version RETURNING version
