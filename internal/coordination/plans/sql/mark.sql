UPDATE plans SET state = 'EnteredInError', entered_in_error_by = @subject, entered_in_error_why = @why, changed_by = @subject WHERE id = @id
