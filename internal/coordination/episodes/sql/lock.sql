SELECT lock_episode(@id)
