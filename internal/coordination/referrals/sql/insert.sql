INSERT INTO referrals (id, person_id, service_id, responsible_service_id, route, reason, received_on, recorded_by)
VALUES (@id, @person, @service, @responsible, @route, @reason, @received_on::date, @subject)
