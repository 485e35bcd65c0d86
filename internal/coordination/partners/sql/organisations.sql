SELECT code, name, sector, updated_at FROM organisations ORDER BY name, code
