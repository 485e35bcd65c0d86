INSERT INTO outcome_refusals (service_id, missing) SELECT @service, unnest(@missing::text[])
