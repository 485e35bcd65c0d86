INSERT INTO closures (episode_id, reason, basis, recorded_as, receiver_service_id, receiver_name, receiver_organisation, agreed_on,
                      channel, told_how, capacity, signed_off_by, died_on, death_source, handover_id, recorded_by)
VALUES (@episode, @reason, @basis, @recorded_as, @receiver_service, @receiver_name, @receiver_organisation, @agreed_on::date,
        @channel, @told_how, @capacity, @signed_off_by, @died_on::date, @death_source, @handover, @subject)
