SELECT c.revision, c.digest, coalesce((SELECT jsonb_object_agg(name, s.digest) FROM services s WHERE s.digest <> ''), '{}'::jsonb) AS services
FROM directory_commit c
