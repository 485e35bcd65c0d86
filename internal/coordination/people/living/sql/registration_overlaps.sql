SELECT EXISTS (SELECT FROM registrations WHERE person_id IN (SELECT records_of(@person)) AND entered_in_error_at IS NULL
               AND daterange(from_on, to_on, '[]') && daterange(@from::date, @to::date, '[]'))
