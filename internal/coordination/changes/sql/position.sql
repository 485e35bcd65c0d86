SELECT last_number, trimmed_to, change_at(last_number) AS last_at, change_at(trimmed_to) AS trimmed_at FROM change_feed
