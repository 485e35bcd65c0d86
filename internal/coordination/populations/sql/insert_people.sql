INSERT INTO populations (version, geography_kind, geography, breakdown_kind, breakdown, people)
SELECT @version, p.* FROM unnest(@kinds::text[], @names::text[], @breakdowns::text[], @classes::text[], @people::bigint[]) p
