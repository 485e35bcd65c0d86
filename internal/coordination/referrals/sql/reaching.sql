SELECT id, kind, channel, happened_on::text, next_on::text FROM referral_reaching_steps WHERE referral_id = @referral ORDER BY recorded_at, id
