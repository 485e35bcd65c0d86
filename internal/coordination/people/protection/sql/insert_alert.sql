INSERT INTO person_alerts (id, person_id, kind, detail, safe_channels, review_on, recorded_by)
VALUES (@id, @person, @kind, @detail, coalesce(@safe_channels::text[], '{}'), @review_on::date, @subject)
