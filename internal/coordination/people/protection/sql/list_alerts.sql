SELECT id, kind, detail, safe_channels, review_on::text, recorded_by, recorded_at, end_reason, ended_by, ended_at
FROM person_alerts WHERE person_id IN (SELECT records_of(@person)) ORDER BY ended_at IS NOT NULL, recorded_at DESC, id DESC
