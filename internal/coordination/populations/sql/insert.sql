INSERT INTO population_uploads (version, edition, source, reference_date, uploaded_by)
VALUES (@version, @edition, @source, @reference_date, caller_subject())
