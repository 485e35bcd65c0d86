INSERT INTO asset_links (id, person_id, asset_id, service_id, linked_on, recorded_by) VALUES (@id, @person, @asset, @service, @on::date, @subject)
