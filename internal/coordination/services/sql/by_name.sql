SELECT id, name, state FROM services WHERE name = @name
