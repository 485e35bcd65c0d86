SELECT take_dirty_people(@limit)
