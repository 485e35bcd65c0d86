-- Prints "empty", or what a database that holds something says of its origin.
SELECT CASE WHEN EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                         WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')
            THEN coalesce(shobj_description((SELECT oid FROM pg_database WHERE datname = current_database()), 'pg_database'), 'occupied')
            ELSE 'empty' END;
