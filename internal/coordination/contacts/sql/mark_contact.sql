UPDATE contacts SET entered_in_error_by = @subject, entered_in_error_why = @why WHERE id = @id
