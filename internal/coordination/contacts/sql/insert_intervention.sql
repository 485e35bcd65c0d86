INSERT INTO interventions (id, episode_id, service_id, contact_id, given_on, kind, snomed_code, theme, tier, note, recorded_by)
SELECT @id, @episode, @service, @contact, @given_on::date, @kind, @snomed_code, t.theme, t.tier, @note, @subject
FROM intervention_themes t WHERE t.theme = @theme
