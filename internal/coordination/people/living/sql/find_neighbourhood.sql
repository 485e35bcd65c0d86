SELECT EXISTS (SELECT FROM neighbourhoods WHERE name = @name)
