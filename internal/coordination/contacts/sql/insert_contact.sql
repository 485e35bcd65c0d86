INSERT INTO contacts (id, episode_id, referral_id, service_id, happened_at, medium, attendance, arrived_late, held_with, carer_involved,
                      professional, duration_minutes, assessment, assessment_code, summary, recorded_by)
VALUES (@id, @episode, @referral, @service, @happened_at, @medium, @attendance, @arrived_late, @held_with, @carer_involved,
        @professional, @minutes, @assessment, @assessment_code, @summary, @subject)
