WITH goals AS (DELETE FROM plan_goals WHERE plan_id = @id), needs AS (DELETE FROM plan_needs WHERE plan_id = @id),
     actions AS (DELETE FROM plan_actions WHERE plan_id = @id)
DELETE FROM plan_links WHERE plan_id = @id
