UPDATE referrals SET state = 'Accepted', episode_id = @episode, responsible_service_id = service_id,
                     outcome_by = @subject, outcome_at = now()
WHERE id = @id
