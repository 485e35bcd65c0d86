SELECT s.id, s.name, s.display_name, s.state, s.place, s.neighbourhoods, s.lead_provider_ods_code, s.lead_provider_name, s.functions,
       s.entry_routes, s.minimum_age, s.maximum_age, s.team_types, s.settings, s.coordination_levels, s.caseload_capacity,
       s.key_worker_capacity, s.partners, coalesce(s.name = c.default_service, false) AS "default",
       (SELECT jsonb_agg(jsonb_build_object('id', d.id, 'value', coalesce(own->'value', to_jsonb(d.value)), 'source', coalesce(own->>'source', d.source)) ORDER BY d.id)
        FROM standards d LEFT JOIN LATERAL jsonb_array_elements(s.standards) own ON own->>'id' = d.id) AS standards
FROM services s CROSS JOIN directory_commit c
ORDER BY s.display_name, s.name
