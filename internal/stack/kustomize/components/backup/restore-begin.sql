-- The first words of a restore. Whoever restores at the same time waits, then finds the database occupied.
BEGIN;
SELECT pg_advisory_xact_lock(hashtextextended('cmhf restore', 0));
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema') THEN
        RAISE EXCEPTION 'the database is not empty';
    END IF;
END $$;
