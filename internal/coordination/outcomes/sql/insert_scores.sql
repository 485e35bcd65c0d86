INSERT INTO outcome_scores (id, assessment_id, item, score)
SELECT s.id, @assessment, s.item, s.score FROM unnest(@ids::uuid[], @items::smallint[], @scores::smallint[]) AS s (id, item, score)
