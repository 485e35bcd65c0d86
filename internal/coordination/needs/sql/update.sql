UPDATE needs SET action = @action, action_on = @action_on::date, state = @state, state_on = @state_on::date, changed_by = @subject
WHERE id = @id AND version = @version RETURNING version
