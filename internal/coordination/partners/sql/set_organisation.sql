INSERT INTO organisations (code, name, sector, changed_by) VALUES (@code, @name, @sector, @subject)
ON CONFLICT (code) DO UPDATE SET name = excluded.name, sector = excluded.sector, changed_by = excluded.changed_by
RETURNING code, name, sector, updated_at
