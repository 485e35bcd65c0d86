UPDATE handovers SET state = 'Declined', decline_reason = @reason, alternative_service_id = @service::uuid, alternative = @alternative
WHERE id = @id
