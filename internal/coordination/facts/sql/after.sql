SELECT people_after(@after, @limit)
