SELECT tool, item, score, answered_on AS "on", assessment_id AS id
FROM outcome_scores WHERE episode_id = @episode AND entered_in_error_at IS NULL
