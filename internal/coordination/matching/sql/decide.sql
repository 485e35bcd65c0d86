UPDATE matching_queue SET decision = @decision, decided_by = @subject, canonical_id = @canonical,
                          number_taken_from = @taken_from, absent_reason = @absent_reason
WHERE pair_id = @pair
