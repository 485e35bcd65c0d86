SELECT to_char(from_on, 'YYYY-MM-DD') AS from_on, to_char(to_on, 'YYYY-MM-DD') AS to_on, geography_kind, geography,
       value::float8 AS value, numerator::float8 AS numerator, denominator::float8 AS denominator
FROM series_points WHERE id = @id AND version = @version ORDER BY series_points.from_on, series_points.to_on, geography_kind, geography
