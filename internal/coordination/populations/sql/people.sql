SELECT geography_kind, geography, breakdown_kind, breakdown, people FROM populations WHERE version = @version
ORDER BY geography_kind, geography, breakdown_kind, breakdown
