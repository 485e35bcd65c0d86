-- Where the person lives, their practice and how they are reached are hidden by row-level security while the location is sensitive. The record
-- that answers for merged ones answers from theirs too, as /v1 does: where it is silent, and was not written since they were merged.
SELECT p.id, p.merged_into, p.nhs_number, p.nhs_number_absent_reason, p.family_name, p.given_name, p.birth_date::text, p.died_on::text, p.version, p.updated_at,
       p.location_sensitive, own.merged AS merged_from,
       (SELECT d.preferred_name FROM person_details d JOIN people r ON r.id = d.person_id
        WHERE d.person_id = ANY (own.merged || p.id) AND d.preferred_name IS NOT NULL AND (r.merged_at > held.written_at) IS NOT FALSE
        ORDER BY d.changed_at DESC LIMIT 1) AS preferred_name,
       (SELECT d.gender FROM person_details d JOIN people r ON r.id = d.person_id
        WHERE d.person_id = ANY (own.merged || p.id) AND d.gender IS NOT NULL AND (r.merged_at > held.written_at) IS NOT FALSE
        ORDER BY d.changed_at DESC LIMIT 1) AS gender,
       c.mobile, c.landline, c.email, g.practice_ods_code AS practice, h.lines, h.postcode, h.from_on::text AS lives_there_since
FROM people p
CROSS JOIN LATERAL (SELECT ARRAY(SELECT m.id FROM people m WHERE m.merged_into = p.id ORDER BY m.id) AS merged) own
CROSS JOIN LATERAL (SELECT (SELECT d.changed_at FROM person_details d WHERE d.person_id = p.id) AS written_at,
                           (SELECT d.changed_at FROM contact_details d WHERE d.person_id = p.id) AS contact_written_at) held
LEFT JOIN LATERAL (
    SELECT (array_agg(d.mobile ORDER BY d.changed_at DESC) FILTER (WHERE d.mobile IS NOT NULL))[1] AS mobile,
           (array_agg(d.landline ORDER BY d.changed_at DESC) FILTER (WHERE d.landline IS NOT NULL))[1] AS landline,
           (array_agg(d.email ORDER BY d.changed_at DESC) FILTER (WHERE d.email IS NOT NULL))[1] AS email
    FROM contact_details d JOIN people r ON r.id = d.person_id
    WHERE d.person_id = ANY (own.merged || p.id) AND (r.merged_at > held.contact_written_at) IS NOT FALSE) c ON true
LEFT JOIN LATERAL (
    SELECT practice_ods_code FROM registrations
    WHERE person_id = ANY (own.merged || p.id) AND entered_in_error_at IS NULL AND @today::date BETWEEN from_on AND coalesce(to_on, 'infinity')
    ORDER BY from_on DESC, person_id <> p.id LIMIT 1) g ON true
LEFT JOIN LATERAL (
    SELECT lines, postcode, from_on FROM residences
    WHERE person_id = ANY (own.merged || p.id) AND entered_in_error_at IS NULL AND @today::date BETWEEN from_on AND coalesce(to_on, 'infinity')
    ORDER BY from_on DESC, person_id <> p.id LIMIT 1) h ON true
WHERE CASE WHEN @id::uuid IS NOT NULL THEN p.id = @id ELSE p.nhs_number = @nhs_number AND p.merged_into IS NULL END
ORDER BY p.id
