-- The first statement of every transaction: who asks, which services they act for, and how long the work may take.
-- Names of services are mapped to their stable ids by the committed directory, so a directory change counts at once.
SELECT set_config('cmhf.subject', @subject, true),
       set_config('cmhf.role', @role, true),
       set_config('cmhf.services', coalesce((SELECT string_agg(id::text, ',') FROM services WHERE name = ANY (@services::text[])), ''), true) AS services,
       set_config('cmhf.admitted_person', '', true),
       set_config('cmhf.organisation', @organisation, true),
       set_config('statement_timeout', '10s', true),
       set_config('lock_timeout', '5s', true),
       set_config('idle_in_transaction_session_timeout', '30s', true)
