-- The last words of a restore: compare, then commit or not. The database is then the one's that it was restored for.
\getenv backup CMHF_BACKUP
\getenv programs CMHF_PROGRAMS
\getenv outcome CMHF_OUTCOME
\getenv origin CMHF_ORIGIN
\set file :outcome '/contents.tsv'
\o :file
\set include :programs '/contents.sql'
\i :include
\o
-- Tables must be the same; a sequence may be ahead of what the snapshot saw, never behind.
\set same `awk -F'\t' -f "$CMHF_PROGRAMS/compare.awk" "$CMHF_BACKUP/contents.tsv" "$CMHF_OUTCOME/contents.tsv" >"$CMHF_OUTCOME/differences" && echo yes || echo no`
\if :same
-- A backup of another system is that system's by its own words; whoever restores it names both. Older schemas don't say.
\getenv ods_code CMHF_ODS_CODE
SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('public.schema_info') AND attname = 'ods_code' AND NOT attisdropped) AS says \gset
\if :says
UPDATE public.schema_info SET ods_code = :'ods_code' WHERE ods_code <> :'ods_code';
\endif
COMMENT ON DATABASE :"DBNAME" IS :'origin';
COMMIT;
\set file :outcome '/committed'
\o :file
\qecho committed
\o
SET client_min_messages = error;
ANALYZE;
\else
ROLLBACK;
\endif
