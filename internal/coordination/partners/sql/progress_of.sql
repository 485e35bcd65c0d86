SELECT p.id, p.framework, p.action, p.state, p.evidence, p.state_on::text, p.due_on::text, p.recorded_at, p.version,
       ARRAY(SELECT s.state FROM action_progress_steps s WHERE s.progress_id = p.id ORDER BY s.id) AS step_states,
       ARRAY(SELECT s.state_on::text FROM action_progress_steps s WHERE s.progress_id = p.id ORDER BY s.id) AS step_days
FROM action_progress p
WHERE p.organisation = @organisation AND p.framework = @framework AND p.action = @action
