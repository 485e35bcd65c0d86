SELECT id, name, display_name, state, place, neighbourhoods, lead_provider_ods_code, lead_provider_name, functions
FROM services ORDER BY display_name, name
