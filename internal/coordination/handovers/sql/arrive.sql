UPDATE handovers SET arrived_on = @on::date WHERE id = @id
