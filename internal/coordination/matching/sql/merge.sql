INSERT INTO people_merges (id, merged_id, canonical_id, merged_by) VALUES (@id, @merged, @canonical, @subject)
