UPDATE residences SET to_on = @to::date, entered_in_error_at = CASE WHEN @error::boolean THEN now() END, changed_by = @subject, changed_at = now() WHERE id = @id
