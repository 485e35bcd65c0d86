SELECT from_on, to_on, entered_in_error_at IS NOT NULL AS entered_in_error FROM residences WHERE id = @id
