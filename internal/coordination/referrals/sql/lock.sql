SELECT state FROM referrals WHERE id = @id FOR UPDATE
