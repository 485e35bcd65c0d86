-- Writes into the folder $CMHF_WORK what the database holds at one moment: contents.tsv, database.dump, roles.sql and, for the
-- program that runs this, about. It runs in one transaction, whose snapshot pg_dump shares.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL idle_in_transaction_session_timeout = 0;
\getenv work CMHF_WORK
\getenv programs CMHF_PROGRAMS
SELECT pg_export_snapshot() AS snapshot \gset
\setenv CMHF_SNAPSHOT :snapshot

\set file :work '/about'
\o :file
SELECT concat_ws(E'\n', 'taken_at=' || to_char(transaction_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                 'schema_version=' || max(version_id), 'server_version=' || split_part(current_setting('server_version'), ' ', 1),
                 'system=' || (SELECT system_identifier FROM pg_control_system()),
                 'owner=' || (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()))
FROM public.goose_db_version WHERE is_applied;
\o

-- What the throwaway server needs before anything can be restored into it.
\set file :work '/roles.sql'
\o :file
SELECT format('CREATE ROLE %I LOGIN;', rolname) FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'postgres' ORDER BY rolname;
SELECT format(E'CREATE DATABASE %1$I OWNER %2$I;\n\\connect %3$s\nALTER SCHEMA public OWNER TO %2$I;', datname, pg_get_userbyid(datdba), quote_ident(datname))
FROM pg_database WHERE datname = current_database();
\o

\set file :work '/contents.tsv'
\o :file
\set include :programs '/contents.sql'
\i :include
\o

-- The commands of backticks are sh's; a failure is told by what is missing afterwards.
\set done `pg_dump --snapshot="$CMHF_SNAPSHOT" --format=custom --file="$CMHF_WORK/database.dump" 2>"$CMHF_WORK/dump.log" && touch "$CMHF_WORK/dumped"`
