INSERT INTO referrals (id, person_id, service_id, responsible_service_id, route, reason, received_on, redirected_from, recorded_by, correction_of)
VALUES (@id, @person, @service, @responsible, @route, @reason, @received_on::date, @redirected_from, @subject, @correction_of)
