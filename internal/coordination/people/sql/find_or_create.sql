SELECT find_or_create_person(@id, @nhs_number, @absent_reason, @family_name, @given_name, @birth_date)
