SELECT revision, measure, geography_kind, geography, place, provider, breakdown_kind, breakdown, numerator, denominator, value, state, rule_version,
       exact_numerator, exact_denominator
FROM earlier_figures(@from, @to)
