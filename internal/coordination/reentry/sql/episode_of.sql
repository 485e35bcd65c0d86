SELECT episode_id FROM referrals WHERE id = @referral
