SELECT person_id, until, review_due::text FROM grant_emergency_access(@id, @nhs_number, @birth_date::date, @service, @reason, @hours)
