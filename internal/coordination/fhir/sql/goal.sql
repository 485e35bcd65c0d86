SELECT g.id, p.person_id, p.created_at AS at, p.updated_at, p.version, p.state, p.in_force_from::text, g.goal, g.own_words
FROM plan_goals g
JOIN plans p ON p.id = g.plan_id
