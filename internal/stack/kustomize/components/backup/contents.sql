-- Prints one line for each table (rows and checksum) and one for each sequence (last value), tab-separated. The same content gives
-- the same lines on any server: the checksum is the SHA-256 of two sums over the SHA-256 of every row as text, so neither the order of
-- rows nor a collation matters, and one pass over each table is enough.
SET LOCAL row_security = off;
SET LOCAL statement_timeout = 0;
SET LOCAL search_path = pg_catalog;
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL IntervalStyle = postgres;
SET LOCAL TimeZone = 'UTC';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = hex;
SELECT format($sql$
    SELECT concat_ws(E'\t', 'table', %1$L, count(*), encode(sha256(convert_to(concat_ws(' ', count(*),
                     sum(('x' || left(hash, 16))::bit(64)::bigint), sum(('x' || right(hash, 16))::bit(64)::bigint)), 'UTF8')), 'hex'))
    FROM (SELECT encode(sha256(convert_to(whole_row::text, 'UTF8')), 'hex') AS hash FROM ONLY %2$s AS whole_row) AS rows
    $sql$, c.oid::regclass::text, c.oid::regclass)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C" \gexec
SELECT format($sql$SELECT concat_ws(E'\t', 'sequence', %1$L, CASE WHEN is_called THEN last_value ELSE last_value - 1 END) FROM %2$s$sql$,
              c.oid::regclass::text, c.oid::regclass)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C" \gexec
