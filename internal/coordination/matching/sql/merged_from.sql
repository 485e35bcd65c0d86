SELECT canonical_id FROM people_merges WHERE merged_id = @merged AND unmerged_at IS NULL FOR UPDATE
