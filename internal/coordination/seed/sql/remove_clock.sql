DO $$
DECLARE
    body text;
    defaulted record;
BEGIN
    IF to_regprocedure('public.seeded_moment()') IS NULL THEN
        RETURN;
    END IF;
    -- What says seeded_moment() is put back by its text, so that a function that was changed meanwhile is not undone.
    FOR body IN
        SELECT pg_get_functiondef(p.oid) FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.prosrc LIKE '%coalesce(seeded_moment(), %'
        ORDER BY p.proname
    LOOP
        EXECUTE regexp_replace(body, 'coalesce\(seeded_moment\(\), (now|clock_timestamp)\(\)\)', '\1()', 'g');
    END LOOP;
    FOR defaulted IN
        SELECT d.adrelid::regclass AS of_table, a.attname AS of_column
        FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
        WHERE pg_get_expr(d.adbin, d.adrelid) = 'COALESCE(seeded_moment(), now())'
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT now()', defaulted.of_table, defaulted.of_column);
    END LOOP;
    DROP FUNCTION public.seeded_moment(); -- refused while anything still needs it
END $$
