UPDATE deaths SET ended_as = 'Reversed', ended_by = @subject, reversal_reason = @reason WHERE person_id = @person AND ended_at IS NULL
