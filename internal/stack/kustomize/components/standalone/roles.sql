-- Brings the roles to what the mounted Secret says; run by entry.sh as superuser, with $CMHF_LOGINS set to the folder of its files.
-- Each file lists the logins of a group, the current one last: "role verifier" on a line. The login of the first generation is the
-- group's own role; later ones are members that act as the group from the moment they connect.
\set owner `cat "$CMHF_LOGINS/owner"`
\set app `cat "$CMHF_LOGINS/app"`
CREATE TEMPORARY TABLE login AS
SELECT g.name AS "group", split_part(line, ' ', 1) AS role, split_part(line, ' ', 2) AS verifier, nth,
       nth = max(nth) OVER (PARTITION BY g.name) AS current
FROM (VALUES ('cmhf_owner', :'owner'), ('cmhf_app', :'app')) g (name, lines),
     regexp_split_to_table(trim(lines, E'\n'), '\n') WITH ORDINALITY AS l (line, nth);
DO $$ BEGIN
  IF EXISTS (SELECT FROM login WHERE role !~ ('^' || "group" || '(_[0-9]+)?$') OR verifier = '') THEN
    RAISE EXCEPTION 'the mounted list of logins can''t be used: a line is not "role verifier"';
  END IF;
END $$;
CREATE FUNCTION pg_temp.generation(role name) RETURNS int LANGUAGE sql RETURN coalesce(substring(role::text FROM '[0-9]+$')::int, 1);

SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', role, verifier) FROM login WHERE role NOT IN (SELECT rolname FROM pg_roles) ORDER BY nth \gexec
SELECT DISTINCT format('CREATE ROLE %I', "group") FROM login WHERE "group" NOT IN (SELECT rolname FROM pg_roles) \gexec
SELECT format('GRANT %I TO %I%s', "group", role, CASE "group" WHEN 'cmhf_owner' THEN ' WITH ADMIN OPTION' END),
       format('ALTER ROLE %I SET role = %L', role, "group")
FROM login WHERE role <> "group" \gexec
-- The file may lag behind by a minute, so it decides about its last login only: an earlier one that was retired meanwhile stays
-- retired, and one that is newer than the file is left alone.
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', role, verifier) FROM login WHERE current \gexec
SELECT format('ALTER ROLE %I NOLOGIN PASSWORD NULL', r.rolname)
FROM pg_roles r JOIN login c ON c.current AND r.rolname ~ ('^' || c."group" || '(_[0-9]+)?$')
WHERE r.rolcanlogin AND r.rolname NOT IN (SELECT role FROM login) AND pg_temp.generation(r.rolname) < pg_temp.generation(c.role) \gexec

-- What the owner needs to rotate logins while the server runs.
ALTER ROLE cmhf_owner CREATEROLE;
GRANT cmhf_app TO cmhf_owner WITH ADMIN OPTION;
GRANT pg_signal_backend TO cmhf_owner;

SELECT 'CREATE DATABASE cmhf OWNER cmhf_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'cmhf') \gexec
REVOKE ALL ON DATABASE cmhf FROM PUBLIC;
GRANT CONNECT ON DATABASE cmhf TO cmhf_app;
\connect cmhf
ALTER SCHEMA public OWNER TO cmhf_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO cmhf_app;
