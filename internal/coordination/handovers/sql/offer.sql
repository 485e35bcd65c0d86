INSERT INTO handovers (id, person_id, episode_id, to_service_id, to_organisation, to_ods_code, direction, urgency, reason, summary, transfer_of)
VALUES (@id, @person, @episode, @service::uuid, @organisation, @ods_code, @direction, @urgency, @reason, @summary, @transfer_of::uuid)
