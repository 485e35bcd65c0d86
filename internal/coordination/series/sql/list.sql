SELECT DISTINCT ON (id) id, version, title, unit, edition, source, uploaded_at FROM series_uploads ORDER BY id, version DESC
