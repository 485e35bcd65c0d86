SELECT measure, geography_kind, geography, breakdown_kind, breakdown, units, counted FROM measure_counts(@from, @to)
