SELECT kind, ended_at IS NOT NULL AS ended FROM person_alerts WHERE id = @id
