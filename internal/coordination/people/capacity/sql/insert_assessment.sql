INSERT INTO capacity_assessments (id, person_id, about, decision, outcome, support_given, finding, assessor_name, assessor_role, assessed_on, review_on, recorded_by)
VALUES (@id, @person, @about, @decision, @outcome, @support_given, @finding, @assessor_name, @assessor_role, @assessed_on::date, @review_on::date, @subject)
