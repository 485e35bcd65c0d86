SELECT r.id, r.person_id, r.service_id, s.name AS service, r.responsible_service_id, responsible.name AS responsible_service, r.route, r.reason,
       r.received_on::text, CASE WHEN r.state = 'Open' AND r.reaching_next_on IS NOT NULL THEN 'Reaching' ELSE r.state END AS state,
       r.recorded_at, r.episode_id, r.outcome_at, r.version, r.redirected_from, r.correction_of, r.reaching_next_on::text,
       sent.id AS sent_id, sent.service AS sent_service, sent.state AS sent_state,
       o.party_name, o.party_organisation, o.party_on::text, o.party_channel, o.told_how, o.duplicate_of
FROM referrals r
JOIN services s ON s.id = r.service_id
JOIN services responsible ON responsible.id = r.responsible_service_id
LEFT JOIN referral_outcomes o ON o.referral_id = r.id AND o.reversed_at IS NULL
LEFT JOIN LATERAL (
    SELECT child.id, receiver.name AS service, child.state
    FROM referrals child JOIN services receiver ON receiver.id = child.service_id
    WHERE child.redirected_from = r.id AND child.state IN ('Open', 'Accepted', 'Redirected')
    ORDER BY child.recorded_at DESC LIMIT 1) sent ON true
