SELECT w.id, w.person_id, s.name AS service, w.status, w.told_on::text, w.wants_work_support,
       w.entered_in_error_at IS NOT NULL AS entered_in_error, w.recorded_at, w.version
FROM work_statuses w
JOIN services s ON s.id = w.service_id
WHERE w.person_id IN (SELECT records_of(@person)) AND w.entered_in_error_at IS NULL
ORDER BY w.told_on DESC, w.id DESC LIMIT 1
