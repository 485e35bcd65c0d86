INSERT INTO carers (id, person_id, kind, name, relationship, may_be_told, basis, agreed_on, changed_by)
VALUES (@id, @person, @kind, @name, @relationship, coalesce(@may_be_told::text[], '{}'), @basis, @agreed_on::date, @subject)
