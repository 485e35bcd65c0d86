UPDATE carers SET kind = @kind, name = @name, relationship = @relationship, may_be_told = coalesce(@may_be_told::text[], '{}'), basis = @basis,
                  agreed_on = @agreed_on::date, ended_on = @ended_on::date, changed_by = @subject, changed_at = now()
WHERE id = @id
