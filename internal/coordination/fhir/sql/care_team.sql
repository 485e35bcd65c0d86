SELECT e.id, e.person_id, e.opened_at AS at, e.updated_at, e.version, e.state, s.name AS responsible, s.lead_provider_ods_code AS ods, s.lead_provider_name AS provider,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('id', k.id, 'name', k.name, 'role', k.role, 'since', k.since, 'until', k.until) ORDER BY k.since DESC, k.recorded_at DESC), '[]')
        FROM key_workers k WHERE k.episode_id = e.id) AS key_workers,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'name', m.name, 'role', m.role, 'since', m.since, 'until', m.until) ORDER BY m.since, m.recorded_at, m.id), '[]')
        FROM team_members m WHERE m.episode_id = e.id) AS members
FROM episodes e
JOIN services s ON s.id = e.responsible_service_id
