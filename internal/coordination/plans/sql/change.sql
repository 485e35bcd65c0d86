UPDATE plans SET kind = @kind, summary = @summary, review_on = @review_on::date, changed_by = @subject WHERE id = @id
