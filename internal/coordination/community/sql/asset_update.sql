UPDATE assets SET name = @name, kind = @kind, tier = @tier, place = @place, neighbourhood = @neighbourhood, contact = @contact, active = @active,
                  changed_by = @subject
WHERE id = @id AND version = @version RETURNING version
