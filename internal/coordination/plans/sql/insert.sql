INSERT INTO plans (id, episode_id, service_id, previous_id, kind, summary, review_on, created_by, changed_by)
VALUES (@id, @episode, @service, @previous, @kind, @summary, @review_on::date, @subject, @subject)
