SELECT r.id, r.person_id, r.recorded_at AS at, r.updated_at, r.version, r.service_id, s.name AS service, r.responsible_service_id,
       responsible.name AS responsible, r.route, r.reason, r.received_on::text,
       CASE WHEN r.state = 'Open' AND r.reaching_next_on IS NOT NULL THEN 'Reaching' ELSE r.state END AS state,
       r.redirected_from, r.correction_of, r.episode_id, i.body AS sent
FROM referrals r
JOIN services s ON s.id = r.service_id
JOIN services responsible ON responsible.id = r.responsible_service_id
LEFT JOIN fhir_intakes i ON i.referral_id = r.id
