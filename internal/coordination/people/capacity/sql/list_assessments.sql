SELECT id, about, decision, outcome, support_given, finding, assessor_name, assessor_role, assessed_on::text, review_on::text,
       entered_in_error_at IS NOT NULL AS entered_in_error, recorded_by, recorded_at
FROM capacity_assessments WHERE person_id IN (SELECT records_of(@person)) ORDER BY assessed_on DESC, id DESC
