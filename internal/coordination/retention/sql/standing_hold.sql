SELECT reason FROM legal_holds WHERE person_id = @person AND lifted_at IS NULL
