UPDATE alerts_for_staff SET acknowledged_by = @subject, response = @response WHERE id = @id AND acknowledged_at IS NULL
