SELECT from_on FROM representatives WHERE id = @id
