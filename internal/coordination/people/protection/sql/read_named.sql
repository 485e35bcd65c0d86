-- Records that were merged may have a list each: who stands on all of them sees the person.
SELECT true AS limited, reason, set_by, set_at,
       ARRAY(SELECT one FROM unnest(n.subjects) AS one
             WHERE NOT EXISTS (SELECT FROM named_access other WHERE other.person_id IN (SELECT records_of(@person)) AND other.ended_at IS NULL
                               AND one <> ALL (other.subjects))) AS subjects
FROM named_access n WHERE person_id IN (SELECT records_of(@person)) AND ended_at IS NULL
ORDER BY set_at DESC, id DESC LIMIT 1
