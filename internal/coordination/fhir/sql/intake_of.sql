SELECT id FROM fhir_intake_of(@system, @value) AS id
