SELECT element, max(measured_on) AS "on", declined
FROM health_check_elements WHERE person_id IN (SELECT records_of(@person)) AND entered_in_error_at IS NULL
GROUP BY element, declined
