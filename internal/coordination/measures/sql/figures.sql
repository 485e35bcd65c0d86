WITH current AS (
    SELECT DISTINCT ON (from_on) * FROM publications ORDER BY from_on DESC, revision DESC
)
SELECT f.measure, c.from_on, c.to_on, c.revision, c.published_at, c.facts_as_of, c.suppression_version, f.geography_kind, f.geography, f.place, f.provider, f.breakdown_kind,
       f.breakdown, f.numerator, f.denominator, f.value, f.state, coalesce(f.reason, '') AS reason, f.rule_version, coalesce(f.source, '') AS source
FROM current c JOIN figures f ON f.publication_id = c.id
WHERE f.measure = ANY (@measures) AND f.geography_kind = @geography_kind AND (@geography = '' OR f.geography = @geography) AND f.breakdown_kind = @breakdown
  AND CASE @period WHEN 'all' THEN true WHEN 'latest' THEN c.from_on = (SELECT max(from_on) FROM publications)
      ELSE to_char(c.from_on, 'YYYY-MM') = @period END
ORDER BY c.from_on, f.geography, f.breakdown
