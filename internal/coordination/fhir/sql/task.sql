SELECT h.id, h.person_id, h.offered_at AS at, h.updated_at, h.version, h.episode_id, h.direction, h.urgency, h.reason, h.summary, h.state, h.answer_due_on::text,
       h.arrived_on::text, h.entered_in_error_at IS NOT NULL AS entered_in_error, h.decline_reason, h.to_service_id, receiver.name AS to_service, h.to_organisation, h.to_ods_code, h.transfer_of,
       sender.lead_provider_ods_code AS ods, sender.lead_provider_name AS provider,
       concat_ws(' ', whom.given_name, whom.family_name) || ', born ' || to_char(whom.birth_date, 'FMDD Mon YYYY') AS name, whom.nhs_number
FROM handovers h
LEFT JOIN LATERAL handover_person(h.id) whom ON true
JOIN services sender ON sender.id = h.from_service_id
LEFT JOIN services receiver ON receiver.id = h.to_service_id
