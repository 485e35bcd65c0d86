INSERT INTO objections (id, person_id, organisation_ods_code, objected_on, reason, recorded_by)
VALUES (@id, @person, @organisation, @on::date, @reason, @subject)
