SELECT r.id, r.kind, r.lines, r.postcode, r.lsoa, r.neighbourhood, n.place AS ics_place, r.imd_decile, r.imd_edition,
       r.from_on::text AS "from", r.to_on::text AS "to", r.entered_in_error_at IS NOT NULL AS entered_in_error, r.recorded_by, r.recorded_at
FROM residences r
LEFT JOIN neighbourhoods n ON n.name = r.neighbourhood
WHERE r.person_id IN (SELECT records_of(@person)) ORDER BY r.from_on DESC, r.id DESC
