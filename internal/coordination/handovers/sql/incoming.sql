WHERE (h.to_service_id = ANY (@services) OR (@partner::boolean AND h.to_ods_code = (SELECT caller_organisation())))
  AND (@state::text = '' OR h.state = @state) AND (@escalated_to::text = '' OR h.escalated_to = @escalated_to)
  AND (NOT @not_arrived::boolean OR (h.state = 'Accepted' AND h.arrived_on IS NULL AND handover_episode_open(h.id)))
  AND (h.offered_at, h.id) < (@at, @after)
ORDER BY h.offered_at DESC, h.id DESC
LIMIT @limit
