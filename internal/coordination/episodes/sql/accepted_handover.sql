SELECT accepted_name AS name, accepted_organisation AS organisation, accepted_on::text, accepted_channel AS channel
FROM handovers WHERE id = @handover AND episode_id = @episode AND state = 'Accepted' AND to_service_id IS NULL
