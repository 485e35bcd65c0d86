UPDATE disposals SET confirmed_by = @subject WHERE id = @id
