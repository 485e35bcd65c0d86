UPDATE emergency_accesses SET outcome = @outcome, reviewed_by = @subject WHERE id = @id AND outcome IS NULL
