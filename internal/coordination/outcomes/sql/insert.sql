INSERT INTO outcome_assessments (id, person_id, episode_id, service_id, tool, answered_on, answers, risk_flag, recorded_by)
VALUES (@id, @person, @episode, @service, @tool, @answered_on::date, @answers::smallint[], @risk, @subject)
