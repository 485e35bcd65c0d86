-- Judged by the day: the mark of the escalation may be up to an hour late.
SELECT d.id AS row_id, d.subject_id AS id, k.subject, d.person_id, d.service_id, d.due_on::timestamp AT TIME ZONE 'Europe/London' AS since,
       d.kind AS due, d.due_on, d.escalated_to
FROM deadlines d
JOIN deadline_kinds k USING (kind)
WHERE d.met_at IS NULL AND d.dropped_at IS NULL AND d.due_on < (now() AT TIME ZONE 'Europe/London')::date
