SELECT h.id, h.person_id, h.episode_id, sender.name AS from_service, receiver.name AS to_service, h.to_organisation, h.to_ods_code,
       h.direction, h.urgency, h.reason, h.summary, h.transfer_of, h.state, h.offered_at, h.answer_due_on::text, h.escalated_to, h.outcome_at,
       h.arrived_on::text, h.entered_in_error_at IS NOT NULL AS entered_in_error, h.from_service_id, h.to_service_id, relieved.to_service_id AS relieves_service_id, h.version,
       h.accepted_as, h.accepted_name, h.accepted_organisation, h.accepted_on::text, h.accepted_channel,
       h.decline_reason, other.name AS alternative_service, h.alternative
FROM handovers h
JOIN services sender ON sender.id = h.from_service_id
LEFT JOIN services receiver ON receiver.id = h.to_service_id
LEFT JOIN services other ON other.id = h.alternative_service_id
LEFT JOIN handovers relieved ON relieved.id = h.transfer_of
