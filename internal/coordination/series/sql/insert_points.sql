INSERT INTO series_points (id, version, from_on, to_on, geography_kind, geography, value, numerator, denominator)
SELECT @id, @version, p.* FROM unnest(@from::date[], @to::date[], @kinds::text[], @names::text[], @values::float8[]::numeric[], @numerators::float8[]::numeric[],
                                      @denominators::float8[]::numeric[]) p
