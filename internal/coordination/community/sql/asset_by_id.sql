SELECT id, name, kind, tier, place, neighbourhood, contact, active, recorded_at, version FROM assets WHERE id = @id
