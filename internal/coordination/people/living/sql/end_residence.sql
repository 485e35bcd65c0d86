UPDATE residences SET to_on = @from::date - 1, changed_by = @subject, changed_at = now()
WHERE person_id IN (SELECT records_of(@person)) AND entered_in_error_at IS NULL AND from_on < @from::date AND (to_on IS NULL OR to_on >= @from::date)
