INSERT INTO assets (id, name, kind, tier, place, neighbourhood, contact, active, recorded_by)
VALUES (@id, @name, @kind, @tier, @place, @neighbourhood, @contact, @active, @subject)
