UPDATE asset_links SET first_attended_on = @first_attended_on::date, outcome = @outcome, outcome_on = @outcome_on::date, changed_by = @subject
WHERE id = @id AND version = @version RETURNING version
