SELECT (w.reply).id, s.name AS service, (w.reply).from_whom, w.person_id, (w.reply).given_on::text, (w.reply).overall, (w.reply).listened_to,
       (w.reply).involved_in_decisions, (w.reply).help_with_what_matters, (w.reply).knows_whom_to_contact, (w.reply).respected, (w.reply).comment,
       (w.reply).recorded_at
FROM feedback_of_services(@services::uuid[], @at, @after, @limit) w
JOIN services s ON s.id = (w.reply).service_id
ORDER BY (w.reply).recorded_at DESC, (w.reply).id DESC
