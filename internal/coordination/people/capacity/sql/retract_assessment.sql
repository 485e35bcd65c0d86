UPDATE capacity_assessments SET entered_in_error_at = now(), changed_by = @subject, changed_at = now() WHERE id = @id AND entered_in_error_at IS NULL
