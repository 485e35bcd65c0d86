WHERE h.id = @id
