INSERT INTO fhir_intakes (referral_id, identifier_system, identifier_value, body, recorded_by) VALUES (@referral, @system, @value, @body, @subject)
