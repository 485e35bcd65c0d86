SELECT p.geography_kind, p.geography, p.breakdown_kind, p.breakdown, p.people, u.source || ', ' || u.edition AS source
FROM population_uploads u JOIN populations p USING (version)
WHERE u.version = (SELECT max(version) FROM population_uploads)
