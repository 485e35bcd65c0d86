INSERT INTO work_statuses (id, person_id, service_id, status, told_on, wants_work_support, recorded_by)
VALUES (@id, @person, @service, @status, @on::date, @wants, @subject)
