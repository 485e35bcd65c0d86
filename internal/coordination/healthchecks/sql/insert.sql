INSERT INTO health_check_elements (id, person_id, episode_id, service_id, element, measured_on, declined, audit_c, hba1c, glucose, systolic, diastolic,
                                   weight_kg, bmi, total_cholesterol, hdl, smoking, recorded_by)
SELECT part.id, @person, @episode, @service, part.element, @on::date, part.declined, part."auditC", part.hba1c, part.glucose, part.systolic, part.diastolic,
       part."weightKg", part.bmi, part."totalCholesterol", part.hdl, part.smoking, @subject
FROM jsonb_to_recordset(@parts::jsonb) AS part (
    id uuid, element text, declined boolean, "auditC" smallint, hba1c smallint, glucose numeric, systolic smallint, diastolic smallint,
    "weightKg" numeric, bmi numeric, "totalCholesterol" numeric, hdl numeric, smoking text)
