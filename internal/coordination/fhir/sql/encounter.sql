SELECT c.id, c.person_id, c.recorded_at AS at, c.updated_at, c.version, c.episode_id, c.referral_id, c.happened_at, c.duration_minutes, c.medium, c.attendance,
       c.held_with, c.professional, c.entered_in_error_at IS NOT NULL AS in_error, s.lead_provider_ods_code AS ods, s.lead_provider_name AS provider
FROM contacts c
JOIN services s ON s.id = c.service_id
