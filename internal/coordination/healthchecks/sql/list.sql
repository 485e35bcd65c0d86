SELECT h.id, h.person_id, s.name AS service, h.element, h.measured_on::text, h.declined, h.audit_c, h.hba1c, h.glucose::float8, h.systolic, h.diastolic,
       h.weight_kg::float8, h.bmi::float8, h.total_cholesterol::float8, h.hdl::float8, h.smoking,
       h.entered_in_error_at IS NOT NULL AS entered_in_error, h.recorded_at, h.version
FROM health_check_elements h
JOIN services s ON s.id = h.service_id
WHERE h.person_id IN (SELECT records_of(@person)) AND (h.recorded_at, h.id) < (@at, @after)
ORDER BY h.recorded_at DESC, h.id DESC
LIMIT @limit
