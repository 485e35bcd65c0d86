UPDATE handovers SET state = 'Withdrawn' WHERE id = @id
