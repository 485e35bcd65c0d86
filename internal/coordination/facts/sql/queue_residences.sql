SELECT queue_ended_residences()
