SELECT DISTINCT ON (item) item, score, answered_on::text AS "on"
FROM outcome_scores
WHERE person_id IN (SELECT records_of(@person)) AND tool = 'DIALOG' AND item BETWEEN 5 AND 7 AND entered_in_error_at IS NULL
ORDER BY item, answered_on DESC, assessment_id DESC
