SELECT FROM interventions WHERE id = @id FOR UPDATE
