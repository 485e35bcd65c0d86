SELECT EXISTS (SELECT FROM interventions WHERE contact_id = @id AND entered_in_error_at IS NULL)
