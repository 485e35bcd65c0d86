SELECT level, complexity, what_matters, carers_views, professional_judgement, decided_on::text FROM coordination_levels
WHERE episode_id = @episode ORDER BY recorded_at DESC, id DESC
