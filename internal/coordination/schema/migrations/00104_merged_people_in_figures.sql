-- +goose Up

-- +goose StatementBegin
-- As before; but what is written in one of a person's records holds for the person, whichever record is the canonical one. Of sheets the newer
-- answers, and what it leaves open is answered by an older one, unless the canonical sheet was written since the merge by somebody who had both
-- before them (package details). Of homes that overlap, as they may from before the merge, the one that was moved to last counts.
CREATE OR REPLACE FUNCTION clock_people(p_people uuid[])
RETURNS TABLE (person_id uuid, born_on date, died_on date, neighbourhood text, ethnicity text, gender text, deprivation text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH records AS (
        SELECT id, id AS person, NULL::timestamptz AS merged_at FROM people WHERE id = ANY (p_people) AND merged_into IS NULL
        UNION ALL
        SELECT id, merged_into, merged_at FROM people WHERE merged_into = ANY (p_people)),
    sheets AS (
        SELECT r.person,
               (array_agg(d.ethnicity ORDER BY d.changed_at DESC, r.id) FILTER (WHERE d.ethnicity IS NOT NULL))[1] AS ethnicity,
               (array_agg(d.gender ORDER BY d.changed_at DESC, r.id) FILTER (WHERE d.gender IS NOT NULL OR d.gender_as_at_birth IS NOT NULL))[1] AS gender
        FROM records r JOIN person_details d ON d.person_id = r.id LEFT JOIN person_details own ON own.person_id = r.person
        WHERE (r.merged_at > own.changed_at) IS NOT FALSE
        GROUP BY 1),
    homes AS (
        SELECT DISTINCT ON (r.person) r.person, h.neighbourhood, h.imd_decile
        FROM records r JOIN residences h ON h.person_id = r.id
        WHERE h.entered_in_error_at IS NULL AND daterange(h.from_on, h.to_on, '[]') @> london_day(now())
        ORDER BY r.person, h.from_on DESC, h.id DESC)
    SELECT p.id, p.birth_date, p.died_on, home.neighbourhood,
           CASE WHEN d.ethnicity = 'A' THEN 'WhiteBritish' WHEN d.ethnicity IN ('B', 'C') THEN 'WhiteOther' WHEN d.ethnicity IN ('D', 'E', 'F', 'G') THEN 'Mixed'
                WHEN d.ethnicity IN ('H', 'J', 'K', 'L') THEN 'Asian' WHEN d.ethnicity IN ('M', 'N', 'P') THEN 'Black' WHEN d.ethnicity IN ('R', 'S') THEN 'Other' END,
           nullif(d.gender, 'NotStated'), home.imd_decile::text
    FROM people p
    LEFT JOIN sheets d ON d.person = p.id
    LEFT JOIN homes home ON home.person = p.id
    WHERE p.id = ANY (p_people) AND p.merged_into IS NULL
$$;
-- +goose StatementEnd

-- Whose facts were measured from the canonical record alone.
INSERT INTO dirty_people (person_id) SELECT DISTINCT merged_into FROM people WHERE merged_into IS NOT NULL;
