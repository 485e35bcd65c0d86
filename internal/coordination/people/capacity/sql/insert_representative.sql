INSERT INTO representatives (id, person_id, kind, name, organisation, phone, email, document_seen_on, from_on, to_on, recorded_by)
VALUES (@id, @person, @kind, @name, @organisation, @phone, @email, @document_seen_on::date, @from::date, @to::date, @subject)
