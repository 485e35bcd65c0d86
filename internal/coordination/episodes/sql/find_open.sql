SELECT id FROM episodes WHERE person_id = @person AND responsible_service_id = @service AND state = 'Open'
