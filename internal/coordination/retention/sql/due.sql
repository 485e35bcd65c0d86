SELECT person_id, created_at, due_on::text, basis FROM disposals_due(@at, @after, @limit)
