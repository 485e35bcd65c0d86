SELECT coordination_levels FROM services WHERE id = @service
