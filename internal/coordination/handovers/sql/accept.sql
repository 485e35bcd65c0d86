UPDATE handovers SET state = 'Accepted', accepted_name = @name, accepted_organisation = @organisation, accepted_on = @on::date, accepted_channel = @channel
WHERE id = @id
