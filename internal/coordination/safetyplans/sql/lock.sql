SELECT FROM safety_plans WHERE id = @id FOR UPDATE
