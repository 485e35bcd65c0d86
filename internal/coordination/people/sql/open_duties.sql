INSERT INTO legal_duties (id, person_id, kind, recorded_by)
SELECT gen_random_uuid(), @person, wanted.kind, @subject FROM unnest(@open::text[]) AS wanted (kind) ORDER BY wanted.kind
ON CONFLICT (person_id, kind) WHERE ended_at IS NULL DO NOTHING
