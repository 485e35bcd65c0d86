INSERT INTO carer_confidences (id, person_id, carer_id, said_on, said, sharing, recorded_by)
VALUES (@id, @person, @carer, @said_on::date, @said, @sharing, @subject)
