SELECT id, why, queued_at, decision, person, candidate FROM matching_pairs(@pair, @at, @after, @limit)
