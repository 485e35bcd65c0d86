SELECT ARRAY[service_id, responsible_service_id] AS services FROM referrals WHERE id = @resource AND @kind = 'Referral'
UNION ALL
SELECT ARRAY[responsible_service_id] FROM episodes WHERE id = @resource AND @kind = 'Episode'
