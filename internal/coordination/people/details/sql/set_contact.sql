INSERT INTO contact_details (person_id, mobile, landline, email, preferred, leave_message, note, changed_by)
VALUES (@person, @mobile, @landline, @email, @preferred, @leave_message, @note, @subject)
ON CONFLICT (person_id) DO UPDATE SET
    mobile = excluded.mobile, landline = excluded.landline, email = excluded.email, preferred = excluded.preferred,
    leave_message = excluded.leave_message, note = excluded.note, changed_by = excluded.changed_by, changed_at = now()
