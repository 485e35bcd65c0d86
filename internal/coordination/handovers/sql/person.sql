SELECT family_name, given_name, birth_date::text, nhs_number FROM handover_person(@id)
