INSERT INTO needs (id, person_id, episode_id, service_id, area, description, identified_on, action, action_on, state, state_on, recorded_by)
VALUES (@id, @person, @episode, @service, @area, @description, @identified_on::date, @action, @action_on::date, @state, @state_on::date, @subject)
