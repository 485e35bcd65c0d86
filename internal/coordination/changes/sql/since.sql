-- One statement, so that the position and the events are of one moment: what is trimmed between two would be missed unseen.
SELECT f.last_number, f.trimmed_to, change_at(@since) AS since_at, change_at(least(@since + @scan, f.last_number)) AS end_at,
       c.number, c.at, c.kind, c.type, c.resource_id, c.person_id
FROM change_feed f
LEFT JOIN LATERAL (SELECT number, at, kind, type, resource_id, person_id FROM changes
                   WHERE number > @since AND number <= least(@since + @scan, f.last_number)
                   ORDER BY number LIMIT @limit) c ON true
ORDER BY c.number
