SELECT k.id, k.person_id, k.recorded_at AS at, e.updated_at, e.version, k.subject AS holder, k.name, k.role, true AS key_worker, NULL::text AS organisation, k.since::text, k.until::text,
       s.id AS service_id, s.name AS service_name, s.lead_provider_ods_code AS ods, s.lead_provider_name AS provider, e.state AS episode_state
FROM key_workers k
JOIN episodes e ON e.id = k.episode_id
JOIN services s ON s.id = k.service_id
UNION ALL
SELECT m.id, m.person_id, m.recorded_at, e.updated_at, e.version, m.subject, m.name, m.role, false, m.organisation, m.since::text, m.until::text,
       s.id, s.name, s.lead_provider_ods_code, s.lead_provider_name, e.state
FROM team_members m
JOIN episodes e ON e.id = m.episode_id
JOIN services s ON s.id = e.responsible_service_id
