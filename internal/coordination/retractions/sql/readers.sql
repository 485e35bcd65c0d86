SELECT subject, clients, roles, services, times, first_at, last_at FROM retraction_readers(@id)
