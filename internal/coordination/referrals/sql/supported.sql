SELECT EXISTS (SELECT FROM episodes WHERE person_id IN (SELECT records_of(@person)) AND state = 'Open')
