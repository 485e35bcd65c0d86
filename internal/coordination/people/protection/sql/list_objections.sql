SELECT o.id, o.organisation_ods_code AS organisation,
       ARRAY(SELECT s.name FROM services s WHERE s.lead_provider_ods_code = o.organisation_ods_code ORDER BY s.name) AS services,
       o.objected_on::text, o.reason, o.recorded_by, o.recorded_at, o.withdrawn_by, o.withdrawn_at
FROM objections o WHERE o.person_id IN (SELECT records_of(@person)) ORDER BY o.withdrawn_at IS NOT NULL, o.recorded_at DESC, o.id DESC
