SELECT lock_handover(@id)
