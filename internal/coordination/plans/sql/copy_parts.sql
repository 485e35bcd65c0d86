WITH goals AS (
    INSERT INTO plan_goals (plan_id, position, goal, own_words) SELECT @to::uuid, position, goal, own_words FROM plan_goals WHERE plan_id = @from
), needs AS (
    INSERT INTO plan_needs (plan_id, position, domain, need) SELECT @to::uuid, position, domain, need FROM plan_needs WHERE plan_id = @from
), actions AS (
    INSERT INTO plan_actions (plan_id, position, what, who, due_on, domain) SELECT @to::uuid, position, what, who, due_on, domain FROM plan_actions WHERE plan_id = @from
)
INSERT INTO plan_links (plan_id, position, kind, held_by, reference) SELECT @to::uuid, position, kind, held_by, reference FROM plan_links WHERE plan_id = @from
