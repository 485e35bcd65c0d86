SELECT id, version, title, definition, unit, better_when, edition, source, coalesce(url, '') AS url, uploaded_by, uploaded_at
FROM series_uploads WHERE id = @id ORDER BY version DESC LIMIT 1
