INSERT INTO registrations (id, person_id, practice_ods_code, from_on, to_on, recorded_by)
VALUES (@id, @person, @practice, @from::date, @to::date, @subject)
