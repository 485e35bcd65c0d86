DO $$
DECLARE
    owner oid := (SELECT relowner FROM pg_class WHERE oid = 'public.schema_info'::regclass);
    body text;
    defaulted record;
BEGIN
    IF NOT EXISTS (SELECT FROM public.schema_info WHERE data = 'Synthetic') OR NOT EXISTS (SELECT FROM public.synthetic_seed WHERE finished_at IS NULL) THEN
        RAISE EXCEPTION 'a clock is installed only while a seed is under way in a database marked as synthetic';
    END IF;
    -- The moment that a seed has set for its transaction, or null to every login but the owner's: session_user is what neither a login nor
    -- a definer function changes. One expression, so that it is worked into those of the triggers.
    EXECUTE format($f$CREATE FUNCTION public.seeded_moment() RETURNS timestamptz LANGUAGE sql STABLE
        RETURN CASE WHEN pg_has_role(session_user, %s::oid, 'MEMBER') THEN nullif(current_setting('cmhf.seeded_moment', true), '')::timestamptz END$f$, owner);
    GRANT EXECUTE ON FUNCTION public.seeded_moment TO cmhf_app; -- for the defaults below; it is told null

    -- The triggers, and what they call, take the time from it first. Functions that grant or end access by the clock outside of triggers are
    -- not among them.
    FOR body IN
        SELECT pg_get_functiondef(p.oid) FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND p.prosrc ~ '\m(now|clock_timestamp)\(\)'
          AND (p.prorettype = 'trigger'::regtype OR p.proname IN ('set_deadline', 'meet_deadline', 'drop_deadlines', 'plan_lacks'))
        ORDER BY p.proname
    LOOP
        EXECUTE regexp_replace(body, '\m(now|clock_timestamp)\(\)', 'coalesce(seeded_moment(), \1())', 'g');
    END LOOP;

    -- Rows that triggers write have no writer that could give the time.
    FOR defaulted IN
        SELECT d.adrelid::regclass AS of_table, a.attname AS of_column
        FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
        WHERE (d.adrelid, a.attname) IN (('public.person_access'::regclass, 'since'), ('public.deadlines'::regclass, 'set_at'),
            ('public.alerts_for_staff'::regclass, 'raised_at'), ('public.deaths'::regclass, 'recorded_at'), ('public.closures'::regclass, 'recorded_at'))
          AND pg_get_expr(d.adbin, d.adrelid) = 'now()'
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT coalesce(seeded_moment(), now())', defaulted.of_table, defaulted.of_column);
    END LOOP;
END $$
