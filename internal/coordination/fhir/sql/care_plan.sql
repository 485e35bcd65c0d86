SELECT p.id, p.person_id, p.created_at AS at, p.updated_at, p.version, p.episode_id, p.kind, p.state, p.summary, p.edition, p.in_force_from::text,
       p.review_on::text, p.agreement, p.previous_id, s.lead_provider_ods_code AS ods, s.lead_provider_name AS provider,
       ARRAY(SELECT g.id FROM plan_goals g WHERE g.plan_id = p.id ORDER BY g.position) AS goals,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('domain', n.domain, 'need', n.need) ORDER BY n.position), '[]') FROM plan_needs n WHERE n.plan_id = p.id) AS needs,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('what', a.what, 'who', a.who, 'by', a.due_on) ORDER BY a.position), '[]') FROM plan_actions a WHERE a.plan_id = p.id) AS actions,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', l.kind, 'heldBy', l.held_by, 'reference', l.reference) ORDER BY l.position), '[]') FROM plan_links l WHERE l.plan_id = p.id) AS links
FROM plans p
JOIN services s ON s.id = p.service_id
