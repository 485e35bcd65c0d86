UPDATE representatives SET to_on = @to::date, changed_by = @subject, changed_at = now() WHERE id = @id
