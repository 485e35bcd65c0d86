SELECT 'Neighbourhood' AS kind, name, place FROM neighbourhoods
UNION ALL
SELECT 'Service', name, place FROM services
