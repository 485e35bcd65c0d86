-- Row-level security shows these to service leads only.
SELECT a.id AS row_id, a.id, 'EmergencyAccess' AS subject, a.person_id, a.service_id, a.granted_at AS since,
       'EmergencyReview' AS due, a.review_due AS due_on, NULL AS escalated_to
FROM emergency_accesses a
WHERE a.outcome IS NULL
