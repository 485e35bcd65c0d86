SELECT s.id, s.name, s.display_name, s.state, s.place, s.neighbourhoods, s.functions, s.minimum_age, s.maximum_age,
       s.lead_provider_ods_code AS ods, s.lead_provider_name AS provider, c.revision, c.committed_at
FROM services s CROSS JOIN directory_commit c
ORDER BY s.name
