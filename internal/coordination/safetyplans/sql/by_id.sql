SELECT p.id, p.person_id, p.edition, s.name AS service, p.warning_signs, p.own_coping, p.people_who_help, p.services_to_call, p.means_safety,
       p.reasons_for_living, p.made_with_person, p.recorded_at, p.entered_in_error_at, p.entered_in_error_why, p.version,
       p.entered_in_error_at IS NULL AND NOT EXISTS (SELECT FROM safety_plans later WHERE later.person_id IN (SELECT records_of(p.person_id))
           AND later.entered_in_error_at IS NULL AND (later.recorded_at, later.id) > (p.recorded_at, p.id)) AS current
FROM safety_plans p
JOIN services s ON s.id = p.service_id
WHERE p.id = @id
