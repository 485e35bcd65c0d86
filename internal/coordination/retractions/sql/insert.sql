INSERT INTO retractions (id, kind, resource_id, reason, retracted_by) VALUES (@id, @kind, @resource, @reason, @subject)
