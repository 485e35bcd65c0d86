SELECT geography_kind, geography, workers FROM key_workers_on(@to)
