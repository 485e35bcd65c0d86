INSERT INTO closure_refusals (service_id, missing) SELECT @service, unnest(@missing::text[])
