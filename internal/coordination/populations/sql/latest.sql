SELECT version, edition, source, to_char(reference_date, 'YYYY-MM-DD') AS reference_date, uploaded_by, uploaded_at
FROM population_uploads ORDER BY version DESC LIMIT 1
