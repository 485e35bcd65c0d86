SELECT p.id, nhs_number, nhs_number_absent_reason, family_name, given_name, birth_date::text, died_on::text, death_source, version, merged.ids AS merged_from,
       ARRAY(SELECT DISTINCT d.kind FROM legal_duties d WHERE d.person_id = ANY (merged.ids || p.id) AND d.ended_at IS NULL ORDER BY d.kind) AS legal_duties,
       (SELECT d.preferred_name FROM person_details d JOIN people r ON r.id = d.person_id
        WHERE d.person_id = ANY (merged.ids || p.id) AND d.preferred_name IS NOT NULL
          AND (r.merged_at > (SELECT own.changed_at FROM person_details own WHERE own.person_id = p.id)) IS NOT FALSE
        ORDER BY d.changed_at DESC LIMIT 1) AS preferred_name,
       ARRAY(SELECT DISTINCT a.kind FROM person_alerts a WHERE a.person_id = ANY (merged.ids || p.id) AND a.ended_at IS NULL
             UNION SELECT 'NamedAccess' FROM named_access n WHERE n.person_id = ANY (merged.ids || p.id) AND n.ended_at IS NULL ORDER BY kind) AS alerts
FROM people p
CROSS JOIN LATERAL (SELECT ARRAY(SELECT m.id FROM people m WHERE m.merged_into = p.id ORDER BY m.id) AS ids) merged
WHERE p.nhs_number = @nhs_number AND p.merged_into IS NULL ORDER BY p.id
