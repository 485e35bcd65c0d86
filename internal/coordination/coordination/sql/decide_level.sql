INSERT INTO coordination_levels (id, episode_id, person_id, level, complexity, what_matters, carers_views, professional_judgement, recorded_by)
VALUES (@id, @episode, @person, @level, @complexity, @what_matters, @carers_views, @judgement, @subject)
