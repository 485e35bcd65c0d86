INSERT INTO person_details AS held (person_id, preferred_name, language, interpreter, communication_needs, communication_note,
    reasonable_adjustments, adjustments_note, ethnicity, gender, gender_as_at_birth, sexual_orientation, religion, disability, impairments,
    employment, accommodation, caring, long_term_conditions, changed_by)
VALUES (@person, @preferred_name, @language, @interpreter, coalesce(@communication_needs::text[], '{}'), @communication_note,
    coalesce(@reasonable_adjustments::text[], '{}'), @adjustments_note, @ethnicity, @gender, @gender_as_at_birth, @sexual_orientation, @religion,
    @disability, coalesce(@impairments::text[], '{}'), @employment, @accommodation, @caring, coalesce(@long_term_conditions::text[], '{}'), @subject)
ON CONFLICT (person_id) DO UPDATE SET
    preferred_name = excluded.preferred_name, language = excluded.language, interpreter = excluded.interpreter,
    communication_needs = excluded.communication_needs, communication_note = excluded.communication_note,
    reasonable_adjustments = excluded.reasonable_adjustments, adjustments_note = excluded.adjustments_note, ethnicity = excluded.ethnicity,
    gender = excluded.gender, gender_as_at_birth = excluded.gender_as_at_birth, sexual_orientation = excluded.sexual_orientation,
    religion = excluded.religion, disability = excluded.disability, impairments = excluded.impairments, employment = excluded.employment,
    accommodation = excluded.accommodation, caring = excluded.caring, long_term_conditions = excluded.long_term_conditions,
    changed_by = excluded.changed_by, changed_at = now()
