SELECT c.id, c.person_id, c.episode_id, c.referral_id, c.service_id, s.name AS service, c.happened_at, c.medium, c.attendance, c.arrived_late,
       c.held_with, c.carer_involved, c.professional, c.duration_minutes, c.assessment, c.assessment_code, c.summary, c.recorded_at,
       c.entered_in_error_at, c.entered_in_error_why, c.version
FROM contacts c
JOIN services s ON s.id = c.service_id
WHERE c.id = @id
