SELECT EXISTS (SELECT FROM episodes WHERE person_id = @person AND state = 'Open' AND responsible_service_id = ANY (@services))
