SELECT coalesce(max(revision), 0) FROM publications WHERE from_on = @from AND to_on = @to
