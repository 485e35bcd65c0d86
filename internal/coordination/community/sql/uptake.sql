SELECT count(*) AS linked, count(first_attended_on) AS attended,
       count(*) FILTER (WHERE first_attended_on IS NOT NULL AND coalesce(outcome, 'StillGoing') = 'StillGoing') AS still_going
FROM asset_links WHERE person_id IN (SELECT records_of(@person)) AND entered_in_error_at IS NULL
