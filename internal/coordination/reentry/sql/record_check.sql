INSERT INTO safety_checks (id, episode_id, person_id, risk, medicines, address, safeguarding, checked_on, recorded_by)
VALUES (@id, @episode, @person, @risk, @medicines, @address, @safeguarding, @on::date, @subject)
