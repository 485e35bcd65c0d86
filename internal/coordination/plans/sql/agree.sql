UPDATE plans SET state = 'InForce', agreement = @agreement, in_force_from = @on::date, capacity = @capacity, why_not = @why_not,
                 best_interests = @best_interests, representative = @representative, changed_by = @subject
WHERE id = @id
