SELECT EXISTS (SELECT FROM contacts c LEFT JOIN referrals r ON r.id = c.referral_id WHERE c.id = @id AND @episode IN (c.episode_id, r.episode_id))
