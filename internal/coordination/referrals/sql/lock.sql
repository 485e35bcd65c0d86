SELECT state, version FROM lock_referral(@id)
