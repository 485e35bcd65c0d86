SELECT p.id, p.person_id, p.episode_id, p.service_id, s.name AS service, p.edition, p.kind, p.state, p.in_force_from::text, p.agreed_on::text, p.agreement,
       p.review_on::text, p.created_at, p.entered_in_error_at, p.entered_in_error_why, p.version, e.responsible_service_id, responsible.name AS responsible,
       p.previous_id, p.summary, p.capacity, p.why_not, p.best_interests, p.representative, e.closed_at AS episode_closed_at, person.died_on::text,
       least((e.opened_at AT TIME ZONE 'Europe/London')::date, (SELECT min(r.received_on) FROM referrals r WHERE r.episode_id = e.id))::text AS episode_begins_on,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('id', g.id, 'goal', g.goal, 'ownWords', g.own_words) ORDER BY g.position), '[]')
        FROM plan_goals g WHERE g.plan_id = p.id) AS goals,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('id', n.id, 'domain', n.domain, 'need', n.need) ORDER BY n.position), '[]')
        FROM plan_needs n WHERE n.plan_id = p.id) AS needs,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'what', a.what, 'who', a.who, 'by', a.due_on, 'domain', a.domain) ORDER BY a.position), '[]')
        FROM plan_actions a WHERE a.plan_id = p.id) AS actions,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('id', l.id, 'kind', l.kind, 'heldBy', l.held_by, 'reference', l.reference) ORDER BY l.position), '[]')
        FROM plan_links l WHERE l.plan_id = p.id) AS links
FROM plans p
JOIN services s ON s.id = p.service_id
JOIN episodes e ON e.id = p.episode_id
JOIN services responsible ON responsible.id = e.responsible_service_id
JOIN people person ON person.id = p.person_id
WHERE p.id = @id
