SELECT EXISTS (SELECT FROM person_alerts WHERE person_id IN (SELECT records_of(@person)) AND kind = 'LocationSensitive' AND ended_at IS NULL)
