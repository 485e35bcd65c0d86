SELECT s.id AS service_id, s.name AS service, q.question, count(q.answer) AS answers, round(avg(q.answer), 1)::float8 AS mean
FROM services s
LEFT JOIN feedback f ON f.service_id = s.id AND f.given_on > @since::date
LEFT JOIN LATERAL (VALUES (1, 'overall', f.overall), (2, 'listenedTo', f.listened_to), (3, 'involvedInDecisions', f.involved_in_decisions),
                          (4, 'helpWithWhatMatters', f.help_with_what_matters), (5, 'knowsWhomToContact', f.knows_whom_to_contact),
                          (6, 'respected', f.respected)) AS q (place, question, answer) ON true
WHERE s.id = ANY (@services::uuid[])
GROUP BY s.id, s.name, q.place, q.question
ORDER BY s.name, q.place
