SELECT e.id, e.person_id, e.opened_at AS at, e.updated_at, e.version, e.state, e.opened_at, e.closed_at, e.responsible_service_id,
       s.name AS responsible, s.lead_provider_ods_code AS ods, s.lead_provider_name AS provider, e.previous_episode_id,
       k.id AS key_worker_id, k.name AS key_worker, c.reason AS closure_reason,
       ARRAY(SELECT r.id FROM referrals r WHERE r.episode_id = e.id ORDER BY r.recorded_at, r.id) AS referrals,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('since', x.since, 'until', x.until) ORDER BY x.since, x.recorded_at), '[]')
        FROM stays_elsewhere x WHERE x.episode_id = e.id) AS stays
FROM episodes e
JOIN services s ON s.id = e.responsible_service_id
LEFT JOIN key_workers k ON k.episode_id = e.id AND k.until IS NULL
LEFT JOIN closures c ON c.episode_id = e.id
