SELECT DISTINCT ON (from_on) from_on, to_on, revision, published_at, facts_as_of, suppression_version, synthetic
FROM publications ORDER BY from_on DESC, revision DESC
