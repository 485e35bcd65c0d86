UPDATE people_merges SET unmerged_by = @subject, unmerge_reason = @reason WHERE merged_id = @merged AND unmerged_at IS NULL
