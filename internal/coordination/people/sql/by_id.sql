SELECT id, nhs_number, nhs_number_absent_reason, family_name, given_name, birth_date::text, died_on::text, death_source,
       ARRAY(SELECT d.kind FROM legal_duties d WHERE d.person_id = people.id AND d.ended_at IS NULL ORDER BY d.kind) AS legal_duties
FROM people WHERE id = @id
