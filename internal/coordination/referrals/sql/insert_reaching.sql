INSERT INTO referral_reaching_steps (id, referral_id, kind, channel, happened_on, next_on, recorded_by)
VALUES (@id, @referral, @kind, @channel, @on::date, @next_on::date, @subject)
