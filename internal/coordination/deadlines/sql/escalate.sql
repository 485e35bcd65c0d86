SELECT escalate_deadlines()
