INSERT INTO safety_plans (id, person_id, service_id, warning_signs, own_coping, people_who_help, services_to_call, means_safety, reasons_for_living,
                          made_with_person, recorded_by)
VALUES (@id, @person, @service, @warning_signs, @own_coping, @people_who_help, @services_to_call, @means_safety, @reasons_for_living,
        @made_with_person, @subject)
