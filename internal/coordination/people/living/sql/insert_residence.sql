INSERT INTO residences (id, person_id, kind, lines, postcode, lsoa, neighbourhood, imd_decile, imd_edition, from_on, to_on, recorded_by)
VALUES (@id, @person, @kind, coalesce(@lines::text[], '{}'), @postcode, @lsoa, @neighbourhood, @imd_decile, @imd_edition, @from::date, @to::date, @subject)
