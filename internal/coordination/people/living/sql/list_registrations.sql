SELECT id, practice_ods_code AS practice, from_on::text AS "from", to_on::text AS "to", entered_in_error_at IS NOT NULL AS entered_in_error, recorded_by, recorded_at
FROM registrations WHERE person_id IN (SELECT records_of(@person)) ORDER BY from_on DESC, id DESC
