UPDATE objections SET withdrawn_by = @subject, withdrawn_at = now() WHERE id = @id AND withdrawn_at IS NULL
