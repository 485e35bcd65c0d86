SELECT person_id, id, edition, service, warning_signs, own_coping, people_who_help, services_to_call, means_safety, reasons_for_living,
       made_with_person, recorded_at
FROM crisis_safety_plans(@nhs_number, @birth_date::date)
