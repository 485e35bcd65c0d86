INSERT INTO series_uploads (id, version, title, definition, unit, better_when, edition, source, url, uploaded_by)
VALUES (@id, @version, @title, @definition, @unit, @better_when, @edition, @source, nullif(@url, ''), caller_subject())
