SELECT EXISTS (SELECT FROM people WHERE nhs_number = @nhs_number AND birth_date = @birth_date::date)
