SELECT EXISTS (SELECT FROM handovers WHERE episode_id = @episode AND state = 'Offered'
               AND (to_service_id = @service::uuid OR lower(to_organisation) = lower(@organisation::text)))
