INSERT INTO legal_duties (id, person_id, kind, recorded_by)
SELECT gen_random_uuid(), @person, wanted.kind, @subject FROM unnest(@open::text[]) AS wanted (kind)
WHERE NOT EXISTS (SELECT FROM legal_duties d WHERE d.person_id IN (SELECT records_of(@person)) AND d.kind = wanted.kind AND d.ended_at IS NULL)
ORDER BY wanted.kind
ON CONFLICT (person_id, kind) WHERE ended_at IS NULL DO NOTHING
