UPDATE legal_duties SET ended_by = @subject, ended_at = now()
WHERE person_id IN (SELECT records_of(@person)) AND ended_at IS NULL AND kind <> ALL (@open::text[])
