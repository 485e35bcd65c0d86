INSERT INTO carer_contacts (carer_id, person_id, phone, email, changed_by) VALUES (@carer, @person, @phone, @email, @subject)
ON CONFLICT (carer_id) DO UPDATE SET phone = excluded.phone, email = excluded.email, changed_by = excluded.changed_by, changed_at = now()
