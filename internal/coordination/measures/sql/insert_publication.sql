INSERT INTO publications (id, from_on, to_on, revision, facts_as_of, suppression_version, synthetic)
VALUES (@id, @from, @to, @revision, now(), @suppression_version, @synthetic)
