INSERT INTO action_progress (id, framework, action, organisation, state, evidence, state_on, due_on, changed_by)
SELECT @id, @framework, @action, o.code, @state, @evidence, @state_on::date, @due_on::date, @subject
FROM organisations o WHERE o.code = @organisation
ON CONFLICT (organisation, framework, action) DO NOTHING
