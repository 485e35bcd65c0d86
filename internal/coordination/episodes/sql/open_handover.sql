SELECT coalesce(s.name, h.to_organisation) AS receiver FROM handovers h LEFT JOIN services s ON s.id = h.to_service_id
WHERE h.episode_id = @episode AND h.state = 'Offered' ORDER BY h.offered_at LIMIT 1
