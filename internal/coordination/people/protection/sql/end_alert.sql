UPDATE person_alerts SET end_reason = @reason, ended_by = @subject, ended_at = now() WHERE id = @id
