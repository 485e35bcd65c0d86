SELECT 'Neighbourhood' AS kind, name, place, '' AS provider FROM neighbourhoods
UNION ALL
SELECT 'Service', name, place, lead_provider_ods_code FROM services
