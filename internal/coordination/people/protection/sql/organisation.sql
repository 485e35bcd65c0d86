SELECT EXISTS (SELECT FROM services WHERE lead_provider_ods_code = @organisation),
       EXISTS (SELECT FROM objections WHERE person_id IN (SELECT records_of(@person)) AND organisation_ods_code = @organisation AND withdrawn_at IS NULL)
