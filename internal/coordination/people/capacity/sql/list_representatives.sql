SELECT id, kind, name, organisation, phone, email, document_seen_on::text, from_on::text AS "from", to_on::text AS "to", recorded_by, recorded_at
FROM representatives WHERE person_id IN (SELECT records_of(@person)) ORDER BY from_on DESC, id DESC
