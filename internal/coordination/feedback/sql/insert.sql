INSERT INTO feedback (id, service_id, from_whom, given_on, overall, listened_to, involved_in_decisions, help_with_what_matters,
                      knows_whom_to_contact, respected, comment, recorded_by)
VALUES (@id, @service, @from, @on::date, @overall, @listened_to, @involved, @help, @knows, @respected, @comment, @subject)
