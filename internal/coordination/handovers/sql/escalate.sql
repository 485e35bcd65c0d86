SELECT escalate_handovers()
