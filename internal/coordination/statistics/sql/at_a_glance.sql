SELECT people_referred, waiting, open_episodes, supported_closures FROM at_a_glance(@from, @to)
